import { constantTimeEqual, hmacFrame } from './digest.ts';
import type { FramePart } from './framing.ts';
import type { SecretKey } from './secret.ts';

/**
 * Protects rows that give somebody a right (policy versions, key states): without the key, editing them
 * in the database gives nobody anything. A MAC proves that we once wrote the row, not that it is the
 * latest: put its version among the fields.
 */
export type Authority = {
  /** HMAC-SHA-256 over kind and fields, framed. 32 bytes. `kind` keeps kinds of rows apart. */
  mac(kind: string, fields: readonly FramePart[]): Buffer;
  /** In constant time. */
  verify(kind: string, fields: readonly FramePart[], mac: Uint8Array): boolean;
};

/** The authority over one key. */
export function makeAuthority(key: SecretKey): Authority {
  const mac = (kind: string, fields: readonly FramePart[]): Buffer =>
    hmacFrame(key, ['counterfoil/authority/v1', kind, ...fields]);
  return {
    mac,
    verify: (kind, fields, candidate) => constantTimeEqual(mac(kind, fields), candidate),
  };
}
