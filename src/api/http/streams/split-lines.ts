/** A line without its newline, or that it was longer than allowed. */
export type Line = Buffer | 'too_long';

const NEWLINE = 0x0a;

/**
 * Cuts bytes into lines at LF, however they arrive. Holds one unfinished line, never more than `maxBytes` of
 * it: the rest of a longer one is dropped as it comes. Bytes are not looked into: in UTF-8 no other
 * character holds an LF.
 */
export function makeLineSplitter(maxBytes: number) {
  let held = Buffer.alloc(0);
  let length = 0;
  let isTooLong = false;

  const hold = (piece: Buffer) => {
    isTooLong ||= length + piece.length > maxBytes;
    if (isTooLong) return;
    const needed = length + piece.length;
    if (needed > held.length) {
      const grown = Buffer.alloc(Math.max(needed, Math.min(maxBytes, 2 * held.length)));
      held.copy(grown, 0, 0, length);
      held = grown;
    }
    length += piece.copy(held, length);
  };
  const release = (): Line => {
    const line = isTooLong ? 'too_long' : held.subarray(0, length);
    held = Buffer.alloc(0);
    length = 0;
    isTooLong = false;
    return line;
  };

  return {
    /** The lines that end in these bytes. */
    split(bytes: Buffer): Line[] {
      const lines: Line[] = [];
      let start = 0;
      for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, start)) {
        hold(bytes.subarray(start, end));
        lines.push(release());
        start = end + 1;
      }
      hold(bytes.subarray(start));
      return lines;
    },
    /** The last line, when the bytes ended without a newline. */
    rest(): Line[] {
      return length > 0 || isTooLong ? [release()] : [];
    },
  };
}
