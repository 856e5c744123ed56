import type { Numerals } from '../domain/tokens/format.ts';
import type { Ff1Place } from './ff1.ts';
import type { Ff1Engine } from './ff1-engine.ts';
import { gatherFf1 } from './ff1-gathering.ts';
import { activeKey, type KeyVersions } from './key-versions.ts';
import { makeSiv, type SivPlace } from './siv.ts';

/**
 * Modes that store nothing. Detokenizing has no integrity under FF1: every well-formed token opens to
 * something. AES-SIV (RFC 5297) refuses what it did not make.
 */
export type VaultlessCipher = {
  /**
   * Digits in, as many digits out (NIST SP 800-38G FF1, AES-256), under a tweak of vault, field, scope, key
   * version and kept characters. Reject with `value_invalid` below 1,000,000 texts of that length and above
   * 256 digits, with `overloaded` when too much is waiting already.
   */
  ff1Encrypt(numerals: Numerals, place: Ff1Place): Promise<number[]>;
  ff1Decrypt(numerals: Numerals, place: Ff1Place): Promise<number[]>;
  /** `<prefix>~<key version>.<base64url>`. The same value, field and scope give the same token; it tells the value's length. */
  sivSeal(value: string, place: SivPlace): string;
  /** The value, or `undefined` for any text that `sivSeal` did not make for this place: one answer for every cause. */
  sivOpen(token: string, place: SivPlace): string | undefined;
};

/**
 * Puts the vaultless modes of a vault together. A token of FF1 has no room for a key version: its key has one
 * version for the life of the vault, and the active one decrypts.
 */
export function makeVaultless(input: {
  vaultId: number;
  keys: { fpe: KeyVersions; siv: KeyVersions };
  ff1: Ff1Engine;
}): VaultlessCipher {
  const { vaultId, keys, ff1 } = input;
  const work = { key: activeKey(keys.fpe).keyObject(), vaultId, version: keys.fpe.active };
  const siv = makeSiv({ vaultId, keys: keys.siv });
  return {
    ff1Encrypt: gatherFf1(ff1, { ...work, direction: 'encrypt' }),
    ff1Decrypt: gatherFf1(ff1, { ...work, direction: 'decrypt' }),
    sivSeal: siv.seal,
    sivOpen: siv.open,
  };
}
