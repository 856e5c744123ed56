/** CRC-32 of ISO 3309 / IEEE 802.3, reflected polynomial. */
const POLYNOMIAL = 0xedb88320;

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit += 1) {
    crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
  }
  return crc;
});

/** State of a CRC before the first byte. */
export const CRC_START = 0xffffffff;

const encoder = new TextEncoder();

/** The state after one more byte. States are intermediate: only `crcEnd` makes a CRC of one. */
export function crcStep(state: number, byte: number): number {
  return (TABLE[(state ^ byte) & 0xff] ?? 0) ^ (state >>> 8);
}

/** The state after the UTF-8 bytes of `text`. */
export function crcText(state: number, text: string): number {
  let next = state;
  // Nearly all tokens are ASCII: read where they are, they cost a quarter of what their encoding costs.
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code > 0x7f) return crcBytes(state, encoder.encode(text));
    next = crcStep(next, code);
  }
  return next;
}

function crcBytes(state: number, bytes: Uint8Array): number {
  let next = state;
  for (const byte of bytes) {
    next = crcStep(next, byte);
  }
  return next;
}

/** The CRC of everything that went into the state, as an unsigned number. */
export function crcEnd(state: number): number {
  return (state ^ CRC_START) >>> 0;
}

/**
 * The shard that a token lives in, 0 to 255: `crc32(token) mod 256` (DESIGN §6). Part of the stored
 * format: a change would lose every token.
 */
export function shardOf(token: string): number {
  return crcEnd(crcText(CRC_START, token)) % 256;
}

/** Row `distance`: the state that each byte leaves behind when so many zero bytes follow it. */
const effects: Uint32Array[] = [TABLE];

/**
 * CRC is linear: the shard of a text is the shard of the same text with a zero byte in one place, XOR
 * the low byte of what the character there adds. This is that addend, by the character's byte, for a
 * place that `distance` more bytes follow. So a text that fits a shard need not be searched for.
 */
export function shardEffects(distance: number): Uint32Array {
  for (let known = effects.length; known <= distance; known += 1) {
    effects.push((effects[known - 1] ?? TABLE).map((state) => crcStep(state, 0)));
  }
  return effects[distance] ?? TABLE;
}
