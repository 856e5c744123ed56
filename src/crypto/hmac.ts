import { createHmac, hash, type KeyObject } from 'node:crypto';
import { type FramePart, frame, frameLength, writeFrame } from './framing.ts';

const BLOCK_BYTES = 64;
const DIGEST_BYTES = 32;
const INNER_PAD = 0x36;
const OUTER_PAD = 0x5c;
/** Frames of tokens, names and short values fit; what is longer goes the ordinary way. */
const MAX_DATA_BYTES = 448;
const OUTER_AT = BLOCK_BYTES + MAX_DATA_BYTES;
export const HMAC_WORKPLACE_BYTES = OUTER_AT + BLOCK_BYTES + DIGEST_BYTES;

/** HMAC-SHA-256 under one key. Everything secret is in the closure. */
export type Hmac = {
  /** 32 bytes, as text with a character for each. */
  digest(data: Uint8Array): string;
  /** Of what `frame` makes of the parts, which is written in place, and wiped. */
  digestFrame(parts: readonly FramePart[], head?: Uint8Array): string;
};

/** As OpenSSL wipes a KeyObject that is collected. At the end of the process nothing is wiped: memory goes as a whole. */
const wiping = new FinalizationRegistry((workplace: Buffer) => workplace.fill(0));

/**
 * Prepares a key for HMAC-SHA-256 (RFC 2104, FIPS 198-1). Both pads stand ready, so that a digest is two plain
 * calls of SHA-256: 0.7 µs for 100 bytes, against 1.5 by `createHmac`, which makes an object each time. The data
 * is wiped after each use, and the pads once nobody can reach the result any more.
 *
 * @param input.workplace memory of its own, as secret as the key: `ipad ‖ data`, then `opad ‖ inner digest`
 */
export function makeHmac(input: { key: KeyObject; workplace?: Buffer }): Hmac {
  // Not from Node's shared pool: it is wiped as a whole.
  const { key, workplace = Buffer.allocUnsafeSlow(HMAC_WORKPLACE_BYTES) } = input;
  writePads(workplace, key);
  const outer = workplace.subarray(OUTER_AT);

  /** Of the first bytes of the workplace, in which the data is. */
  const finish = (end: number): string => {
    try {
      const inner = hash('sha256', workplace.subarray(0, end), 'latin1');
      outer.write(inner, BLOCK_BYTES, 'latin1');
    } finally {
      workplace.fill(0, BLOCK_BYTES, end);
    }
    return hash('sha256', outer, 'latin1');
  };
  // Both ways to a digest hold this function: the pads stand for as long as either can be called.
  wiping.register(finish, workplace);
  const ofLong = (data: Uint8Array) => createHmac('sha256', key).update(data).digest('latin1');

  return {
    digest(data) {
      if (data.length > MAX_DATA_BYTES) {
        return ofLong(data);
      }
      workplace.set(data, BLOCK_BYTES);
      return finish(BLOCK_BYTES + data.length);
    },
    digestFrame(parts, head) {
      const length = frameLength(parts, head);
      if (length > MAX_DATA_BYTES) {
        const framed = frame(parts, head);
        try {
          return ofLong(framed);
        } finally {
          framed.fill(0);
        }
      }
      writeFrame(workplace, { parts, head, offset: BLOCK_BYTES });
      return finish(BLOCK_BYTES + length);
    },
  };
}

/** A key that is longer than a block counts by its digest (RFC 2104 §2). */
function writePads(workplace: Buffer, key: KeyObject): void {
  const given = key.export();
  const bytes = given.length > BLOCK_BYTES ? hash('sha256', given, 'buffer') : given;
  workplace.fill(0);
  for (let i = 0; i < BLOCK_BYTES; i += 1) {
    const byte = bytes[i] ?? 0;
    workplace[i] = byte ^ INNER_PAD;
    workplace[OUTER_AT + i] = byte ^ OUTER_PAD;
  }
  given.fill(0);
  bytes.fill(0);
}
