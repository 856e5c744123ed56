/** Part of the platform's fetch, so that tests can stand in for it. */
export type Fetch = typeof globalThis.fetch;

/** What came back: the whole body, as it was small enough. */
export type Answer = { status: number; contentType: string; body: string };

/** Some signature lines, or a checkpoint with all its signatures. */
const MAX_BYTES = 64 * 1024;
const LOOPBACK: ReadonlySet<string> = new Set(['127.0.0.1', '[::1]', 'localhost']);

/** Whether a witness may be at this URL: https, or loopback, where nobody is on the way. */
export function isWitnessUrl(text: string): boolean {
  const url = URL.parse(text);
  if (url === null || url.username !== '' || url.password !== '' || url.search + url.hash !== '') {
    return false;
  }
  return url.protocol === 'https:' || (url.protocol === 'http:' && LOOPBACK.has(url.hostname));
}

/**
 * Sends one request and reads the answer, which must be at most 64 KiB. Follows no redirect. Rejects with
 * whatever `fetch` rejects with, also when the signal aborts while the body is under way.
 */
export async function request(input: {
  fetch: Fetch;
  url: string;
  signal: AbortSignal;
  /** With it, the request is a POST. */
  body?: string;
}): Promise<Answer> {
  const { fetch, url, signal, body } = input;
  const response = await fetch(url, {
    redirect: 'error',
    signal,
    ...(body === undefined ? {} : { method: 'POST', body }),
  });
  return {
    status: response.status,
    contentType: response.headers.get('content-type') ?? '',
    body: await readCapped(response),
  };
}

async function readCapped(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > MAX_BYTES) {
      throw new Error('a witness answered with too much');
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
