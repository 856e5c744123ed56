import { promisify } from 'node:util';
import { gzip } from 'node:zlib';

const compress = promisify(gzip);

/** A body as it is sent, and the headers that say so. */
export type Encoded = { output: Buffer; headers: Readonly<Record<string, string>> };

/**
 * Compresses a body for a caller who takes gzip, as tlog-tiles wishes it of entry bundles. Only for bodies in
 * which no secret stands beside what somebody else may have chosen: the length tells of both (BREACH).
 */
export async function encodeFor(
  acceptEncoding: string | undefined,
  body: Buffer,
): Promise<Encoded> {
  const vary = { vary: 'accept-encoding' };
  return takesGzip(acceptEncoding)
    ? { output: await compress(body), headers: { ...vary, 'content-encoding': 'gzip' } }
    : { output: body, headers: vary };
}

/** Whether `Accept-Encoding` names gzip, with a weight above zero (RFC 9110 §12.5.3). `*` is not asked for it. */
export function takesGzip(acceptEncoding: string | undefined): boolean {
  return (acceptEncoding ?? '').split(',').some((coding) => {
    const [name = '', ...parameters] = coding.split(';').map((part) => part.trim().toLowerCase());
    return name === 'gzip' && !parameters.some((parameter) => /^q=0(?:\.0{0,3})?$/.test(parameter));
  });
}
