import { spellingsOf } from './canary-encodings.ts';

/** A place where a secret stands that should not. */
export type Hit = { text: string; encoding: string; at: number };

type Needle = { text: string; encoding: string; bytes: Buffer };

/** Bytes of a needle that select it; needles are no shorter. */
const WINDOW = 8;
/** A bitmap of 2^24 bits: with 10^5 needles one window in 170 is looked up in vain. */
const MAP_BITS = 24;

/**
 * Searches bytes for every spelling of every text at once: a window of eight bytes slides over them,
 * and only those that a bitmap knows are compared. Some 10^5 needles cost as much as one.
 */
export function makeSearcher(texts: readonly string[]): (haystack: Buffer) => Hit[] {
  const known = new Uint8Array(2 ** (MAP_BITS - 3));
  const needles = new Map<string, Needle[]>();
  for (const text of texts) {
    for (const { encoding, bytes } of spellingsOf(text)) {
      const slot = slotOf(bytes.readUInt32BE(0), bytes.readUInt32BE(4));
      known[slot >>> 3] = (known[slot >>> 3] ?? 0) | (1 << (slot & 7));
      const window = bytes.toString('latin1', 0, WINDOW);
      const sharing = needles.get(window) ?? [];
      sharing.push({ text, encoding, bytes });
      needles.set(window, sharing);
    }
  }
  const matches = (haystack: Buffer, at: number): Hit[] =>
    (needles.get(haystack.toString('latin1', at, at + WINDOW)) ?? [])
      .filter(({ bytes }) => bytes.equals(haystack.subarray(at, at + bytes.length)))
      .map(({ text, encoding }) => ({ text, encoding, at }));

  return (haystack) => {
    const hits: Hit[] = [];
    let high = 0;
    let low = 0;
    for (let end = 0; end < haystack.length; end += 1) {
      high = (high << 8) | (low >>> 24);
      low = (low << 8) | (haystack[end] as number);
      const slot = slotOf(high, low);
      const at = end - WINDOW + 1;
      if (((known[slot >>> 3] as number) >>> (slot & 7)) & 1 && at >= 0) {
        hits.push(...matches(haystack, at));
      }
    }
    return hits;
  };
}

/** Multiplicative hashing of the eight bytes; the constants are odd and otherwise of no meaning. */
function slotOf(high: number, low: number): number {
  return (Math.imul(high, 0x9e3779b1) ^ Math.imul(low, 0x85ebca6b)) >>> (32 - MAP_BITS);
}
