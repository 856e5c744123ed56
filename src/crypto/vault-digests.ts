import { hmacFrame } from './digest.ts';
import type { FramePart } from './framing.ts';
import type { SecretKey } from './secret.ts';

const SHORT_BYTES = 16;

/** Keyed digests of one vault, each under a label of its own; the same for ever. */
export type VaultDigests = {
  /** What the `hash` mask shows of a normalised value: equal in all fields of the vault, and nowhere else. Base64url, 22 characters. */
  join(value: string): string;
  /** Of a token, for its tombstone: 16 bytes. */
  tombstone(token: string): Buffer;
  /** Of what a token keeps of its value: −32,768 to 32,767. */
  space(fieldId: number, kept: string): number;
  /** Of one tag of the metadata: 16 bytes. `value` is its JSON text. */
  tag(name: string, value: string): Buffer;
  /** Of a call with an Idempotency-Key, and of its body: 32 bytes. */
  idempotencyKey(call: { issuer: string; subject: string; route: string; key: string }): Buffer;
  idempotencyBody(body: string): Buffer;
  /** Of the principal and the grant whose budget is spent: 16 bytes. */
  budgetHolder(holder: { issuer: string; subject: string; grant: string }): Buffer;
};

/**
 * Makes the digests of a vault from its `join` key, which has one version for life: what is compared with
 * them outlives every rotation. HMAC-SHA-256 over framed parts, the short ones cut to 128 bits.
 */
export function makeVaultDigests(key: SecretKey): VaultDigests {
  const whole = (parts: readonly FramePart[]): Buffer => hmacFrame(key, parts);
  const short = (parts: readonly FramePart[]): Buffer => whole(parts).subarray(0, SHORT_BYTES);

  return {
    join: (value) => short(['counterfoil/join/v1', value]).toString('base64url'),
    tombstone: (token) => short(['counterfoil/tombstone/v1', token]),
    space: (fieldId, kept) => whole(['counterfoil/space/v1', fieldId, kept]).readInt16BE(0),
    tag: (name, value) => short(['counterfoil/tag/v1', name, value]),
    idempotencyKey: ({ issuer, subject, route, key: given }) =>
      whole(['counterfoil/idempotency-key/v1', issuer, subject, route, given]),
    idempotencyBody: (body) => whole(['counterfoil/idempotency-body/v1', body]),
    budgetHolder: ({ issuer, subject, grant }) =>
      short(['counterfoil/budget/v1', issuer, subject, grant]),
  };
}
