import assert from 'node:assert/strict';
import { it } from 'node:test';
import { VaultError } from '../domain/errors.ts';
import type { Vault } from '../operations/ports/vault-registry.ts';
import { makeVaultRefresh } from './vault-refresh.ts';

/** Vaults 1 and 2, and the versions that the store has of them; loads wait while they are held up. */
function open() {
  const stored = new Map([
    [1, 1],
    [2, 1],
  ]);
  const vaults = new Map<string, Vault>();
  const make = (id: number, policyVersion: number) =>
    ({ id, name: `vault-${id}`, policyVersion }) as Vault;
  for (const id of stored.keys()) vaults.set(`vault-${id}`, make(id, 1));
  const state = { loads: [] as number[], refused: 0, error: undefined as VaultError | undefined };
  let gate: PromiseWithResolvers<void> | undefined;
  const refresh = makeVaultRefresh({
    vaults,
    load: async ({ id }) => {
      state.loads.push(id);
      const vault = make(id, stored.get(id) ?? 0);
      await gate?.promise;
      if (state.error !== undefined) throw state.error;
      return vault;
    },
    check: ({ id }) => {
      if (id === state.refused) throw new VaultError('policy_invalid');
    },
  });
  const versions = () => [...vaults.values()].map(({ policyVersion }) => policyVersion);
  const hold = () => {
    gate = Promise.withResolvers();
    return gate;
  };
  return { refresh, stored, versions, state, hold };
}

const codeOf = (work: Promise<void>): Promise<VaultError> =>
  work.then(
    () => assert.fail('it did not fail'),
    (error) => error,
  );

it('gives what is in force after the call, of the vaults that were asked for', async () => {
  const { refresh, stored, versions, state } = open();
  stored.set(1, 2).set(2, 2);
  await refresh([1]);
  assert.deepEqual(versions(), [2, 1]);
  assert.deepEqual(state.loads, [1]);
});

it('shares one read among all who ask at once', async () => {
  const { refresh, stored, versions, state } = open();
  stored.set(1, 2).set(2, 2);
  await Promise.all(Array.from({ length: 100 }, (_, index) => refresh([(index % 2) + 1])));
  assert.deepEqual(versions(), [2, 2]);
  assert.deepEqual(state.loads.sort(), [1, 2]);
});

it('answers nobody by a read that began before they asked', async () => {
  const { refresh, stored, versions, state, hold } = open();
  const { resolve } = hold();
  stored.set(1, 2);
  const early = refresh([1]);
  while (state.loads.length === 0) await Promise.resolve();
  stored.set(1, 3);
  const late = Promise.all([refresh([1]), refresh([1])]);
  resolve();
  await early;
  await late;
  assert.deepEqual(versions(), [3, 1]);
  assert.deepEqual(state.loads, [1, 1]);
});

it('leaves a vault as it was that cannot be believed or served, and goes on later', async () => {
  const { refresh, stored, versions, state } = open();
  stored.set(1, 2).set(2, 2);
  state.refused = 2;
  const failures = await Promise.all([codeOf(refresh([1, 2])), codeOf(refresh([2]))]);
  assert.deepEqual(
    failures.map(({ code }) => code),
    ['internal', 'internal'],
  );
  assert.notEqual(failures[0], failures[1], 'each has an error of its own');
  assert.deepEqual(versions(), [2, 1]);
  state.refused = 0;
  state.error = new VaultError('store_unavailable');
  assert.equal((await codeOf(refresh([1]))).code, 'store_unavailable');
  state.error = undefined;
  await refresh([1, 2]);
  assert.deepEqual(versions(), [2, 2]);
});

it('fails nobody for a vault that only others asked for', async () => {
  const { refresh, stored, versions, state } = open();
  stored.set(1, 2).set(2, 2);
  state.refused = 2;
  const [failure] = await Promise.all([codeOf(refresh([2])), refresh([1])]);
  assert.equal(failure.code, 'internal');
  assert.deepEqual(versions(), [2, 1]);
});
