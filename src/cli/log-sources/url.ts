import { setTimeout as sleep } from 'node:timers/promises';
import { VaultError } from '../../domain/errors.ts';
import type { LogFiles } from '../../verify/file-source.ts';

/** More than the largest entry bundle: 256 entries of 65,535 bytes. */
const MAX_BYTES = 20_000_000;
const TIMEOUT_MS = 30_000;
/** Waits before the second and the third try. */
const RETRY_MS = [500, 2_000];
const ABSENT = [404, 410];
const BUSY = [429, 502, 503, 504];

type UrlOptions = {
  /** Prefix of the log (tlog-tiles): `https://vault.example/v1/audit/log/2026`. No slash at its end. */
  base: string;
  /** For entry bundles; sent to nobody but this prefix. */
  token?: string | undefined;
};

/**
 * The files of a log that is served over HTTP, by the service or by any static server. Redirects are not
 * followed: a token is for one address. Methods reject with one line when the server does not answer.
 */
export function urlFiles({ base, token }: UrlOptions): LogFiles {
  const get = async (path: string): Promise<Response> => {
    const isEntries = path.startsWith('tile/entries/');
    const headers = isEntries && token !== undefined ? { authorization: `Bearer ${token}` } : {};
    try {
      return await fetch(`${base}/${path}`, {
        headers,
        redirect: 'manual',
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
    } catch (cause) {
      throw failure(`${base} cannot be reached${whyOf(cause)}.`, cause);
    }
  };
  const getPatiently = async (path: string): Promise<Response> => {
    for (const waitMs of RETRY_MS) {
      const response = await get(path);
      if (!BUSY.includes(response.status)) {
        return response;
      }
      await response.body?.cancel();
      await sleep(waitMs);
    }
    return get(path);
  };
  return {
    read: async (path) => {
      const response = await getPatiently(path);
      if (response.ok) {
        return readBody(response, path);
      }
      await response.body?.cancel();
      if (ABSENT.includes(response.status)) {
        return undefined;
      }
      throw failure(`${base} answers ${path} with status ${response.status}${hint(response)}.`);
    },
    // A served log is the tree alone: who and what are asked for, or exported.
    async *lines() {},
    list: async () => [],
  };
}

async function readBody(response: Response, path: string): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of response.body ?? []) {
      size += chunk.length;
      if (size > MAX_BYTES) {
        throw failure(`${path} is larger than any part of a log.`);
      }
      chunks.push(chunk);
    }
  } catch (cause) {
    throw cause instanceof VaultError ? cause : failure(`${path} ended half-way.`, cause);
  }
  return Buffer.concat(chunks);
}

function hint({ status }: Response): string {
  if (status === 401 || status === 403) {
    return ': entries need a token that may read the log, set COUNTERFOIL_TOKEN';
  }
  return status >= 300 && status < 400 ? ': redirects are not followed' : '';
}

/** The system's code alone: texts of `fetch` can quote what was sent. */
function whyOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && 'code' in cause ? ` (${String(cause.code)})` : '';
}

function failure(detail: string, cause?: unknown): VaultError {
  return new VaultError('internal', { detail, cause });
}
