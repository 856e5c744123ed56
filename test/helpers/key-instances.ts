import assert from 'node:assert/strict';
import { type Keyring, makeKeyring } from '../../src/crypto/keyring.ts';
import { makeKeysets } from '../../src/crypto/keysets.ts';
import { SecretBytes } from '../../src/crypto/secret.ts';
import type { WrappedKey, WrappedKeyStore } from '../../src/crypto/wrapped-key.ts';

const nameOf = (key: WrappedKey) => `${key.vaultId}/${key.purpose}/${key.version}`;

/** The contract of `WrappedKeyStore` in memory. Rows may be tampered with from outside. */
export function makeStore() {
  const rows = new Map<string, WrappedKey>();
  const store: WrappedKeyStore = {
    load: async (vaultId) => [...rows.values()].filter((row) => row.vaultId === vaultId),
    insert: async (key) => {
      if (!rows.has(nameOf(key))) {
        rows.set(nameOf(key), key);
      }
    },
  };
  const row = (name: string): WrappedKey => {
    const found = rows.get(name);
    assert.ok(found, `no row ${name}`);
    return found;
  };
  const edit = (name: string, change: Partial<WrappedKey>): void => {
    const edited = { ...row(name), ...change };
    rows.delete(name);
    rows.set(nameOf(edited), edited);
  };
  return { rows, store, row, edit };
}

/** One instance of the service over a store that others may share. */
export function makeInstance(
  memory = makeStore(),
  rootKey = 1,
  sealIdOf = async (vaultId: number): Promise<number> => vaultId,
) {
  const clock = { nowMs: 0, monotonic: () => clock.nowMs };
  const inner = makeKeyring({ rootKey: new SecretBytes(Buffer.alloc(32, rootKey)) });
  const state = { unwraps: 0, isDisabled: false };
  const keyring: Keyring = {
    ...inner,
    unwrap: (wrapped, context) => {
      state.unwraps += 1;
      return state.isDisabled
        ? Promise.reject(new Error('disabled'))
        : inner.unwrap(wrapped, context);
    },
  };
  const keysets = makeKeysets({ store: memory.store, keyring, clock, sealIdOf });
  return { ...memory, keysets, clock, state };
}

/** An instance whose own keys, and those of one vault, are made. */
export async function makeReady(vaultId = 1) {
  const instance = makeInstance();
  await instance.keysets.ensureSystem();
  await instance.keysets.ensureVault(vaultId);
  return instance;
}
