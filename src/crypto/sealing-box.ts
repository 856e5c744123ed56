import { hkdfSha256 } from './digest.ts';
import { frame } from './framing.ts';
import { activeKey, type KeyVersions } from './key-versions.ts';
import { open, seal } from './sealed.ts';
import type { SecretBytes, SecretKey } from './secret.ts';
import { makeXaesKey, type XaesKey } from './xaes.ts';

/**
 * Seals under the active version of a key, opens under every readable one, and throws the one decryption
 * error. With a subject's secret, it does so under a key that is derived from both.
 */
export type SealingBox = {
  /** Text as UTF-8; the bytes in between are wiped. */
  seal(plaintext: string | Uint8Array, aad: Buffer, secret?: SecretBytes): Buffer;
  /** The plaintext, in memory that the caller should wipe. */
  open(sealed: Buffer, aad: Buffer, secret?: SecretBytes): Buffer;
  /** As `open`, of UTF-8 text; the bytes in between are wiped. */
  openText(sealed: Buffer, aad: Buffer, secret?: SecretBytes): string;
};

/** Prepares the keys of a vault for sealing. Throws `internal` when the active one is missing. */
export function makeSealingBox(vaultId: number, versions: KeyVersions): SealingBox {
  const { active } = versions;
  const activeSealKey = activeKey(versions);
  const vaultKeys = new Map<number, XaesKey>();
  for (const [version, key] of versions.readable) {
    vaultKeys.set(version, makeXaesKey(key));
  }
  const activeVaultKey = makeXaesKey(activeSealKey);
  const subjectKey = (sealKey: SecretKey, version: number, secret: SecretBytes): XaesKey => {
    const info = frame(['counterfoil/subject-seal/v1', vaultId, version]);
    return makeXaesKey(hkdfSha256({ key: sealKey, salt: secret.reveal(), info }));
  };
  const keyOf = (version: number, secret: SecretBytes | undefined): XaesKey | undefined => {
    const sealKey = versions.readable.get(version);
    return secret === undefined || sealKey === undefined
      ? vaultKeys.get(version)
      : subjectKey(sealKey, version, secret);
  };

  const box: SealingBox = {
    seal: (plaintext, aad, secret) => {
      const key = secret === undefined ? activeVaultKey : subjectKey(activeSealKey, active, secret);
      return seal({ version: active, key, plaintext, aad });
    },
    open: (sealed, aad, secret) =>
      open({ sealed, aad, keyOf: (version) => keyOf(version, secret) }),
    openText: (sealed, aad, secret) => {
      const plaintext = box.open(sealed, aad, secret);
      const text = plaintext.toString('utf8');
      plaintext.fill(0);
      return text;
    },
  };
  return box;
}
