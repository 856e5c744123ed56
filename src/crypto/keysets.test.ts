import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeInstance, makeReady, makeStore } from '../../test/helpers/key-instances.ts';
import { hmacSha256 } from './digest.ts';
import { signRow, type WrappedKey } from './wrapped-key.ts';

const BINDING = { fieldId: 1, token: 'tok_a' };
const UNAVAILABLE = { name: 'VaultError', code: 'key_unavailable' };
const ALTERED = { ...UNAVAILABLE, message: 'a key row was altered' };
const PURPOSES = ['seal', 'fingerprint', 'placement', 'join', 'fpe', 'siv', 'idempotency'];
const NOV = Date.UTC(2026, 10, 22);

test('a vault gets one key per purpose, once, and what one instance seals another opens', async () => {
  const first = await makeReady();
  await first.keysets.ensureSystem();
  await first.keysets.ensureVault(1);
  assert.deepEqual([...first.rows.keys()].sort(), [
    '0/audit-mac/1',
    '0/authority/1',
    '0/cache/1',
    '0/log-sign/1',
    '1/fingerprint/1',
    '1/fpe/1',
    '1/idempotency/1',
    '1/join/1',
    '1/placement/1',
    '1/seal/1',
    '1/siv/1',
  ]);
  const sealed = (await first.keysets.cipherOf(1)).sealValue('value', BINDING);
  const second = makeInstance(first);
  assert.equal((await second.keysets.cipherOf(1)).openValue(sealed, BINDING), 'value');
});

test('a vault from before a purpose existed gets the key that it lacks, and keeps the others', async () => {
  const { keysets, rows, row } = await makeReady();
  const before = row('1/seal/1');
  for (const purpose of ['fpe', 'siv', 'idempotency']) rows.delete(`1/${purpose}/1`);
  await assert.rejects(keysets.cipherOf(1), UNAVAILABLE);
  await keysets.ensureVault(1);
  assert.equal([...rows.keys()].filter((name) => name.startsWith('1/')).length, PURPOSES.length);
  assert.equal(row('1/seal/1'), before);
  const { sivSeal } = (await keysets.cipherOf(1)).vaultless;
  assert.match(sivSeal('value', { fieldId: 1, scope: 'vault', prefix: 'note' }), /^note~1\./);
});

test('a vault opens only what was sealed under the number that it is bound to', async () => {
  const memory = await makeReady(9);
  const sealed = (await memory.keysets.cipherOf(9)).sealValue('value', BINDING);
  const same = makeInstance(memory, 1, async () => 9);
  assert.equal((await same.keysets.cipherOf(9)).openValue(sealed, BINDING), 'value');
  const other = await makeInstance(memory, 1, async () => 10).keysets.cipherOf(9);
  assert.throws(() => other.openValue(sealed, BINDING), { message: 'decryption failed' });
  assert.equal(other.openValue(other.sealValue('value', BINDING), BINDING), 'value');
});

test('a failed look-up of that number is passed on, and not remembered', async () => {
  let isDown = true;
  const memory = await makeReady();
  const { keysets } = makeInstance(memory, 1, async (id) => {
    if (isDown) throw new Error('down');
    return id;
  });
  await assert.rejects(keysets.cipherOf(1), /down/);
  isDown = false;
  await keysets.cipherOf(1);
  await keysets.close();
});

test('instances that start at once agree on every key', async () => {
  const memory = makeStore();
  const instances = Array.from({ length: 6 }, () => makeInstance(memory));
  const results = await Promise.all(
    instances.map(async ({ keysets }) => {
      await keysets.ensureSystem();
      await keysets.ensureVault(1);
      const cipher = await keysets.cipherOf(1);
      const month = await keysets.privateCipher(1, NOV);
      return {
        digest: cipher.subjectDigest('person').toString('hex'),
        sign: hmacSha256(await keysets.logSign(), Buffer.from('x')).toString('hex'),
        mac: (await keysets.authority()).mac('test', []).toString('hex'),
        sealed: month.seal('who', 'event', Buffer.from('x')),
      };
    }),
  );
  assert.equal(new Set(results.map(({ digest }) => digest)).size, 1);
  assert.equal(new Set(results.map(({ mac }) => mac)).size, 1);
  assert.equal(new Set(results.map(({ sign }) => sign)).size, 1);
  const reader = await makeInstance(memory).keysets.privateCipher(1, NOV);
  for (const { sealed } of results) {
    assert.equal(reader.open('who', 'event', sealed).toString(), 'x');
  }
});

test('keys of one vault are not those of another', async () => {
  const { keysets } = await makeReady(1);
  await keysets.ensureVault(2);
  const [one, two] = [await keysets.cipherOf(1), await keysets.cipherOf(2)];
  assert.notDeepEqual(one.subjectDigest('person'), two.subjectDigest('person'));
});

test('a vault without keys, or without the service keys, has no cipher', async () => {
  const { keysets } = await makeReady(1);
  await assert.rejects(keysets.cipherOf(2), UNAVAILABLE);
  const fresh = makeInstance();
  await assert.rejects(fresh.keysets.ensureVault(1), UNAVAILABLE);
  await assert.rejects(fresh.keysets.authority(), UNAVAILABLE);
  await assert.rejects(fresh.keysets.auditMac(), UNAVAILABLE);
  await assert.rejects(fresh.keysets.logSign(), UNAVAILABLE);
  await assert.rejects(fresh.keysets.privateCipher(1, NOV), UNAVAILABLE);
  assert.equal(fresh.rows.size, 0);
});

test('a key is unwrapped once for all concurrent callers and for 15 minutes', async () => {
  const { keysets, clock, state } = await makeReady();
  await keysets.authority();
  state.unwraps = 0;
  await Promise.all(Array.from({ length: 50 }, () => keysets.cipherOf(1)));
  assert.equal(state.unwraps, PURPOSES.length);
  clock.nowMs += 899_999;
  await keysets.cipherOf(1);
  assert.equal(state.unwraps, PURPOSES.length);
});

test('disabling the root key takes effect within 15 minutes, and recovery is immediate', async () => {
  const { keysets, clock, state } = await makeReady();
  const everyKey = (): Promise<unknown>[] => [
    keysets.cipherOf(1),
    keysets.privateCipher(1, NOV),
    keysets.auditMac(),
    keysets.auditTerm(NOV),
    keysets.logSign(),
    keysets.authority(),
  ];
  await Promise.all(everyKey());
  state.isDisabled = true;
  await Promise.all(everyKey());
  clock.nowMs += 900_000;
  for (const key of everyKey()) {
    await assert.rejects(key, /disabled/);
  }
  state.isDisabled = false;
  await Promise.all(everyKey());
});

test('another root key opens nothing', async () => {
  const memory = await makeReady();
  const other = makeInstance(memory, 2);
  await assert.rejects(other.keysets.cipherOf(1), UNAVAILABLE);
  await assert.rejects(other.keysets.authority(), UNAVAILABLE);
});

/** Every row, and every edit of one column that must not go unnoticed. */
const EDITS: [string, Partial<WrappedKey>][] = [
  ['state', { state: 'deactivated' }],
  ['state', { state: 'pre-activation' }],
  ['state', { state: 'destroyed' }],
  ['version', { version: 2 }],
  ['mac', { mac: Buffer.alloc(32) }],
  ['mac', { mac: Buffer.alloc(0) }],
  ['wrapped', { wrapped: Buffer.from('junk') }],
];

for (const name of PURPOSES.map((purpose) => `1/${purpose}/1`)) {
  test(`an edited row of ${name} is refused`, async () => {
    for (const [column, change] of EDITS) {
      const { keysets, edit } = await makeReady();
      edit(name, change);
      await assert.rejects(keysets.cipherOf(1), ALTERED, column);
    }
  });
}

test('an edited row of an audit, authority or month key is refused', async () => {
  for (const [column, change] of EDITS) {
    const memory = await makeReady();
    await memory.keysets.privateCipher(1, NOV);
    if (column !== 'version') {
      memory.edit('1/private/202611', change);
      await assert.rejects(makeInstance(memory).keysets.privateCipher(1, NOV), ALTERED, column);
    }
    memory.edit('0/audit-mac/1', change);
    await assert.rejects(makeInstance(memory).keysets.auditMac(), ALTERED, column);
    memory.edit('0/log-sign/1', change);
    await assert.rejects(makeInstance(memory).keysets.logSign(), ALTERED, column);
    memory.edit('0/authority/1', change);
    await assert.rejects(makeInstance(memory).keysets.authority(), UNAVAILABLE, column);
  }
});

test('wrapped keys cannot be swapped between rows, vaults or versions, even with their MACs', async () => {
  const { keysets, row, edit, rows } = await makeReady(1);
  await keysets.ensureVault(2);
  const { wrapped, mac } = row('2/seal/1');
  edit('1/seal/1', { wrapped, mac });
  await assert.rejects(keysets.cipherOf(1), ALTERED);
  rows.delete('1/seal/1');
  edit('2/seal/1', { vaultId: 1 });
  await assert.rejects(keysets.cipherOf(1), ALTERED);
});

test('a store that answers with the rows of another vault is refused', async () => {
  const memory = await makeReady(1);
  const store = { ...memory.store, load: () => memory.store.load(1) };
  const system = (id: number) => (id === 0 ? memory.store.load(0) : store.load());
  const confused = makeInstance({ ...memory, store: { ...store, load: system } });
  await confused.keysets.cipherOf(1);
  await assert.rejects(confused.keysets.cipherOf(2), ALTERED);
});

test('a keyset with two active versions is refused: which one is in force would be a guess', async () => {
  const { keysets, rows, row } = await makeReady();
  const authority = await keysets.authority();
  rows.set('1/seal/2', signRow({ ...row('1/seal/1'), version: 2 }, authority));
  await assert.rejects(keysets.cipherOf(1), { ...UNAVAILABLE, message: /two active/ });
});
