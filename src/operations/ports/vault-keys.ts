import type { VaultCipher } from '../../crypto/vault-cipher.ts';

export interface VaultKeys {
  /**
   * The vault's unwrapped keys. Held at most 15 minutes, then unwrapped anew, so that disabling a
   * root key takes effect. Rejects with `key_unavailable` when they cannot be unwrapped.
   */
  cipherOf(vaultId: number): Promise<VaultCipher>;
}
