import { createHash } from 'node:crypto';

/** SHA-256 over everything that a source gives, such as a file too large for memory; lower-case hex. */
export async function sha256HexOf(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of chunks) {
    hash.update(chunk);
  }
  return hash.digest('hex');
}
