/** Fewer texts than this FF1 must not permute (NIST SP 800-38G r1 §5.1): they can be tried through. */
export const FF1_FLOOR = 1_000_000;

/** How many characters of an alphabet of that size make the floor. */
export function fewestCharacters(radix: number): number {
  let count = 0;
  for (let texts = 1; texts < FF1_FLOOR; texts *= radix) {
    count += 1;
  }
  return count;
}
