import type { Pool } from 'pg';
import { makeVaultDump } from '../adapters/postgres/vault-dump.ts';
import { makeKeyTransfer } from '../crypto/key-transfer.ts';
import type { Keyring } from '../crypto/keyring.ts';
import type { Keysets } from '../crypto/keysets.ts';
import type { WrappedKeyStore } from '../crypto/wrapped-key.ts';
import { VaultError } from '../domain/errors.ts';
import type { Exporting } from '../operations/vault-export/content.ts';

/**
 * What exports of vaults need; `undefined` without recipients. Rejects with one line for the operator when a
 * recipient is none.
 */
export async function makeExporting(
  recipients: readonly string[],
  deps: { pool: Pool; store: WrappedKeyStore; keyring: Keyring; keysets: Keysets },
): Promise<Exporting | undefined> {
  if (recipients.length === 0) return undefined;
  const { pool, store, keyring, keysets } = deps;
  return {
    dump: makeVaultDump({ pool }),
    keys: makeKeyTransfer({ store, keyring, authority: keysets.authority }),
    encrypt: await encryptionFor(recipients),
  };
}

async function encryptionFor(recipients: readonly string[]): Promise<Exporting['encrypt']> {
  // The curves of age are 3 MiB of heap: only who exports loads them.
  const { makeAgeEncryption } = await import('../crypto/age.ts');
  try {
    return makeAgeEncryption(recipients);
  } catch (cause) {
    const detail = `COUNTERFOIL_EXPORT_RECIPIENTS: ${cause instanceof VaultError ? cause.message : 'wrong'}`;
    throw new VaultError('internal', { cause, detail });
  }
}
