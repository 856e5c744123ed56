import { frame } from './framing.ts';
import { open, seal } from './sealed.ts';
import type { SecretKey } from './secret.ts';
import { makeXaesKey } from './xaes.ts';

/** The two disclosures of an event: who did it, and what was touched. */
export type DisclosureLabel = 'who' | 'what';

/** Seals the audit disclosures of one vault and month. Destroying that key forgets the month. */
export type PrivateCipher = {
  /** The month as yyyymm. */
  version: number;
  /** Bound to vault, event and label. */
  seal(label: DisclosureLabel, eventId: string, plaintext: string | Uint8Array): Buffer;
  /** Throws the one decryption error, also for the sealed bytes of another month. The caller wipes. */
  open(label: DisclosureLabel, eventId: string, sealed: Buffer): Buffer;
};

/** Builds the cipher from the month's key. `vaultId` 0 is `_system`: events that belong to no vault. */
export function makePrivateCipher(input: {
  vaultId: number;
  version: number;
  key: SecretKey;
}): PrivateCipher {
  const { vaultId, version } = input;
  const key = makeXaesKey(input.key);
  const head = frame(['counterfoil/private/v1', vaultId]);
  const aad = (label: DisclosureLabel, eventId: string): Buffer => frame([eventId, label], head);
  return {
    version,
    seal: (label, eventId, plaintext) =>
      seal({ version, key, plaintext, aad: aad(label, eventId) }),
    open: (label, eventId, sealed) =>
      open({
        sealed,
        aad: aad(label, eventId),
        keyOf: (asked) => (asked === version ? key : undefined),
      }),
  };
}

/** The month of a time in UTC, as yyyymm. `atMs` is milliseconds since the epoch. */
export function monthOf(atMs: number): number {
  const date = new Date(atMs);
  return date.getUTCFullYear() * 100 + date.getUTCMonth() + 1;
}
