/** A set of characters as inclusive ranges of code points, in any order, overlaps allowed. */
export type CharSet = readonly (readonly [from: number, to: number])[];

/** What a dot or a negated class is taken for: nobody writes control characters into identifiers. */
export const PRINTABLE: CharSet = [[0x20, 0x7e]];

const DIGIT: CharSet = [[0x30, 0x39]];
const UPPER: CharSet = [[0x41, 0x5a]];
const LOWER: CharSet = [[0x61, 0x7a]];
const ALPHA: CharSet = [...UPPER, ...LOWER];
const ALNUM: CharSet = [...ALPHA, ...DIGIT];

/** Perl and POSIX classes of RE2, by the letter or name that they are written with. */
export const NAMED_SETS: ReadonlyMap<string, CharSet> = new Map([
  ['d', DIGIT],
  ['w', [...ALNUM, [0x5f, 0x5f]]],
  ['digit', DIGIT],
  ['upper', UPPER],
  ['lower', LOWER],
  ['alpha', ALPHA],
  ['alnum', ALNUM],
  [
    'xdigit',
    [
      [0x41, 0x46],
      [0x61, 0x66],
      [0x30, 0x39],
    ],
  ],
]);

/** How many characters the set holds, each once. */
export function sizeOf(set: CharSet): number {
  let size = 0;
  let end = -1;
  for (const [from, to] of [...set].sort((a, b) => a[0] - b[0])) {
    size += Math.max(0, to - Math.max(from, end + 1) + 1);
    end = Math.max(end, to);
  }
  return size;
}

/** The printable characters outside the set. */
export function invert(set: CharSet): CharSet {
  const rest: [number, number][] = [];
  for (let char = 0x20; char <= 0x7e; char += 1) {
    if (!set.some(([from, to]) => char >= from && char <= to)) {
      rest.push([char, char]);
    }
  }
  return rest;
}
