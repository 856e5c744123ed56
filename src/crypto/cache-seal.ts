import { constantTimeEqual, hmacFrame } from './digest.ts';
import type { FramePart } from './framing.ts';
import type { SecretKey } from './secret.ts';

const FORMAT = 0x01;
const MAC_BYTES = 32;
const HEADER_BYTES = 1 + MAC_BYTES;
const NAME_BYTES = 16;

/**
 * Names and vouches for entries of a cache that anybody may read and write. Secrecy is not its business: what
 * goes in is sealed already.
 */
export type CacheSeal = {
  /** The name of an entry, 22 characters: a keyed digest of what it is about, so that it tells nobody. */
  nameOf(parts: readonly FramePart[]): string;
  /** `0x01 ‖ mac[32] ‖ content`, the MAC over name and content: at another name the entry is none. */
  seal(name: string, content: Uint8Array): Buffer;
  /** The content (a view into `bytes`), or `undefined` when we never put it there. In constant time. */
  open(name: string, bytes: Buffer): Buffer | undefined;
};

/** The seal of one key. It proves that we wrote an entry once, not that it still holds. */
export function makeCacheSeal(key: SecretKey): CacheSeal {
  const macOf = (name: string, content: Uint8Array): Buffer =>
    hmacFrame(key, ['counterfoil/cache/v1', name, content]);
  return {
    nameOf: (parts) =>
      hmacFrame(key, ['counterfoil/cache-name/v1', ...parts])
        .subarray(0, NAME_BYTES)
        .toString('base64url'),
    seal: (name, content) => Buffer.concat([Buffer.of(FORMAT), macOf(name, content), content]),
    open(name, bytes) {
      if (bytes.length < HEADER_BYTES || bytes[0] !== FORMAT) return undefined;
      const content = bytes.subarray(HEADER_BYTES);
      const isOurs = constantTimeEqual(macOf(name, content), bytes.subarray(1, HEADER_BYTES));
      return isOurs ? content : undefined;
    },
  };
}
