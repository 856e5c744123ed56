import { createReadStream, fstatSync } from 'node:fs';
import { pipeline, type Readable, Transform } from 'node:stream';
import { sizeOf } from './output.ts';

/** Bytes from `offset` on, and how many the whole has, where that is known. */
export type Input = { size: number | undefined; open: (offset: number) => Readable };

const STANDARD_INPUT = 0;

/** A file, or standard input: which is a file as well after `< file`, and then need not be read anew. */
export async function findInput(path: string | undefined): Promise<Input> {
  if (path !== undefined) {
    return { size: await sizeOf(path), open: (start) => createReadStream(path, { start }) };
  }
  const found = fstatSync(STANDARD_INPUT);
  const fromHandle = (start?: number) =>
    createReadStream('', {
      fd: STANDARD_INPUT,
      autoClose: false,
      ...(start !== undefined && { start }),
    });
  return found.isFile()
    ? { size: found.size, open: (start) => fromHandle(start) }
    : { size: undefined, open: (offset) => skip(fromHandle(), offset) };
}

/** A pipe has no places: what is done already is read once more. */
function skip(input: Readable, bytes: number): Readable {
  if (bytes === 0) return input;
  let left = bytes;
  const rest = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const skipped = Math.min(left, chunk.length);
      left -= skipped;
      done(undefined, chunk.subarray(skipped));
    },
  });
  // Whoever reads the rest gets the error, too.
  pipeline(input, rest, () => {});
  return rest;
}
