import { parseStrictJson } from '../../domain/json.ts';
import { isObject } from './compact-jws.ts';
import { refuse } from './refuse.ts';

/** Where an issuer's public keys come from. Without `url` the issuer's discovery document says. */
export type JwksSource =
  | { kind: 'url'; url?: string | undefined }
  | { kind: 'static'; keys: readonly unknown[] };

export type Fetch = typeof globalThis.fetch;

const TIMEOUT_MS = 3000;
const MAX_BYTES = 256 * 1024;
const LOOPBACK: ReadonlySet<string> = new Set(['127.0.0.1', '[::1]', 'localhost']);

/**
 * Reads the issuer's keys as they are now, unchecked. Throws `unauthenticated` when they cannot be had:
 * no answer within 3 s, a redirect, another status than 200, over 256 KiB, or not a key set.
 */
export async function readJwks(
  issuer: string,
  source: JwksSource,
  fetch: Fetch,
): Promise<readonly unknown[]> {
  if (source.kind === 'static') {
    return source.keys;
  }
  const document = await fetchJson(source.url ?? (await discover(issuer, fetch)), fetch);
  if (!isObject(document) || !Array.isArray(document['keys'])) {
    throw refuse('not a key set');
  }
  return document['keys'];
}

/** OpenID Connect Discovery 1.0 §4: the document must name the very issuer that it was asked for (§4.3). */
async function discover(issuer: string, fetch: Fetch): Promise<string> {
  const base = issuer.endsWith('/') ? issuer.slice(0, -1) : issuer;
  const document = await fetchJson(`${base}/.well-known/openid-configuration`, fetch);
  if (!isObject(document) || document['issuer'] !== issuer) {
    throw refuse('discovery names another issuer');
  }
  const { jwks_uri: url } = document;
  if (typeof url !== 'string') {
    throw refuse('discovery names no key set');
  }
  return url;
}

async function fetchJson(url: string, fetch: Fetch): Promise<unknown> {
  checkUrl(url);
  try {
    const response = await fetch(url, {
      // A redirect would let whoever answers move the root of trust.
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
      headers: { accept: 'application/json' },
    });
    if (response.status !== 200) {
      throw refuse('the issuer answered with another status');
    }
    return parseStrictJson(await readCapped(response));
  } catch (cause) {
    throw refuse('the issuer could not be read', cause);
  }
}

/** Keys over plain HTTP are whoever's is on the path; loopback has no path. */
function checkUrl(text: string): void {
  const url = URL.parse(text);
  if (
    url === null ||
    !(url.protocol === 'https:' || (url.protocol === 'http:' && LOOPBACK.has(url.hostname)))
  ) {
    throw refuse('issuer URLs must be https');
  }
}

async function readCapped(response: Response): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > MAX_BYTES) {
      throw refuse('the issuer answered with too much');
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
