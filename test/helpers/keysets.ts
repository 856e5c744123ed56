import type { Pool } from 'pg';
import { makeWrappedKeyStore } from '../../src/adapters/postgres/keys.ts';
import { makeKeyring } from '../../src/crypto/keyring.ts';
import { type Keysets, makeKeysets } from '../../src/crypto/keysets.ts';
import { SecretBytes } from '../../src/crypto/secret.ts';
import { realClock } from './clock.ts';

/** Keys of a test database, under a root key that is the same in every test. */
export async function openKeysets(pool: Pool): Promise<Keysets> {
  const keysets = makeKeysets({
    store: makeWrappedKeyStore({ pool, clock: realClock }),
    keyring: makeKeyring({ rootKey: new SecretBytes(Buffer.alloc(32, 7)) }),
    clock: realClock,
  });
  await keysets.ensureSystem();
  return keysets;
}
