import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeInstance, makeReady } from '../../test/helpers/key-instances.ts';
import { isKeyLine, makeKeyTransfer } from './key-transfer.ts';
import { makeKeyring } from './keyring.ts';
import { SecretBytes } from './secret.ts';
import { contextOf, signRow } from './wrapped-key.ts';

const BINDING = { fieldId: 1, token: 'tok_a' };
const MALFORMED = { code: 'key_unavailable', message: /malformed/ };
const NOV = Date.UTC(2026, 10, 22);

async function open(vaultId = 1) {
  const ready = await makeReady(vaultId);
  const keyring = makeKeyring({ rootKey: new SecretBytes(Buffer.alloc(32, 1)) });
  const { authority } = ready.keysets;
  return {
    ...ready,
    keyring,
    transfer: makeKeyTransfer({ store: ready.store, keyring, authority }),
  };
}

/** The lines, each in a buffer of its own. */
function linesOf(lines: Buffer): Buffer[] {
  return lines
    .toString('utf8')
    .trimEnd()
    .split('\n')
    .map((line) => Buffer.from(line));
}

test('a vault opens elsewhere with the keys that were moved, under another number', async () => {
  const source = await open();
  const sealed = (await source.keysets.cipherOf(1)).sealValue('value', BINDING);
  const target = await open(5);
  for (const line of linesOf(await source.transfer.give(1))) {
    const key = await target.transfer.take(line, 9);
    assert.equal(key.vaultId, 9);
    await target.store.insert(key);
  }
  const { rows } = target;
  assert.equal([...rows.keys()].filter((name) => name.startsWith('9/')).length, 7);
  // Values stay bound to the number where they were sealed.
  const { keysets } = makeInstance(target, 1, async () => 1);
  assert.equal((await keysets.cipherOf(9)).openValue(sealed, BINDING), 'value');
});

test('keys of the audit log stay, destroyed keys move as what they are', async () => {
  const { keysets, transfer, store, rows, row } = await open();
  await keysets.privateCipher(1, NOV);
  const authority = await keysets.authority();
  const gone = {
    ...row('1/fpe/1'),
    version: 2,
    state: 'destroyed',
    wrapped: Buffer.alloc(0),
  } as const;
  rows.set('1/fpe/2', signRow(gone, authority));
  const lines = linesOf(await transfer.give(1));
  assert.equal(lines.length, 8);
  assert.ok(lines.every((line) => isKeyLine(line) && !line.includes('private')));
  const line = lines.find((one) => one.includes('destroyed'));
  assert.ok(line);
  assert.deepEqual(JSON.parse(line.toString()), {
    key: '',
    purpose: 'fpe',
    version: 2,
    state: 'destroyed',
  });
  const taken = await transfer.take(line, 4);
  assert.deepEqual(taken, signRow({ ...gone, vaultId: 4 }, authority));
  assert.equal((await store.load(4)).length, 0);
});

test('taking a key wipes it from its line', async () => {
  const { transfer, keyring } = await open();
  const [line] = linesOf(await transfer.give(1));
  assert.ok(line);
  const { key, purpose } = JSON.parse(line.toString());
  assert.match(key, /^[0-9a-f]{64}$/);
  const taken = await transfer.take(line, 2);
  assert.equal(JSON.parse(line.toString()).key, '0'.repeat(64));
  const opened = await keyring.unwrap(taken.wrapped, contextOf({ ...taken, purpose }));
  assert.equal(opened.keyObject().export().toString('hex'), key);
});

test('an altered row gives no key away', async () => {
  const { transfer, edit } = await open();
  edit('1/seal/1', { state: 'deactivated' });
  await assert.rejects(transfer.give(1), { code: 'key_unavailable', message: /altered/ });
});

test('lines that no vault could have are refused', async () => {
  const { transfer } = await open();
  const key = '00'.repeat(32);
  const good = { key, purpose: 'seal', version: 1, state: 'active' };
  await transfer.take(Buffer.from(JSON.stringify(good)), 2);
  const bad = [
    { purpose: 'private' },
    { purpose: 'authority' },
    { purpose: 'toString' },
    { purpose: undefined },
    { version: '1' },
    { version: undefined },
    { state: 'alive' },
    { state: undefined },
    { state: 'destroyed' },
    { key: '' },
    { key: key.slice(2) },
    { key: key.slice(1) },
    { key: `${key.slice(1)}G` },
    { key: `${key}00` },
  ];
  for (const change of bad) {
    const line = Buffer.from(JSON.stringify({ ...good, ...change }));
    await assert.rejects(transfer.take(line, 2), MALFORMED, JSON.stringify(change));
  }
});
