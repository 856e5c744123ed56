import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeInstance, makeReady } from '../../test/helpers/key-instances.ts';
import { signRow } from './wrapped-key.ts';

const UNAVAILABLE = { name: 'VaultError', code: 'key_unavailable' };
const ALTERED = { ...UNAVAILABLE, message: 'a key row was altered' };
const OCT = Date.UTC(2026, 9, 31, 23, 59, 59, 999);
const NOV = Date.UTC(2026, 10, 22);
const DEC = Date.UTC(2026, 11, 1);

type Memory = Awaited<ReturnType<typeof makeReady>>;

/** Destroys a key as the service does: the row stays, signed in its new state. */
async function destroy({ keysets, row, rows }: Memory, name: string): Promise<void> {
  const authority = await keysets.authority();
  rows.set(name, signRow({ ...row(name), state: 'destroyed' }, authority));
}

test('each month of each vault has a private key of its own, made on first use', async () => {
  const { keysets, rows } = await makeReady();
  const november = await keysets.privateCipher(1, NOV);
  assert.equal(november.version, 202611);
  assert.equal(await keysets.privateCipher(1, NOV + 1), november);
  assert.equal((await keysets.privateCipher(1, DEC)).version, 202612);
  await keysets.privateCipher(0, NOV);
  const made = [...rows.keys()].filter((name) => name.includes('private')).sort();
  assert.deepEqual(made, ['0/private/202611', '1/private/202611', '1/private/202612']);
});

test('a destroyed month stays destroyed: no new key takes its place', async () => {
  const memory = await makeReady();
  await memory.keysets.privateCipher(1, NOV);
  await destroy(memory, '1/private/202611');
  await assert.rejects(makeInstance(memory).keysets.privateCipher(1, NOV), UNAVAILABLE);
});

test('looking for the key of a month never makes one', async () => {
  const { keysets, rows } = await makeReady();
  const before = rows.size;
  assert.equal(await keysets.findPrivateCipher(1, NOV), undefined);
  assert.equal(await keysets.findPrivateCipher(7, NOV), undefined);
  assert.equal(rows.size, before);
});

test('a key that goes while it is looked for is not made anew', async () => {
  const memory = await makeReady();
  await memory.keysets.privateCipher(1, NOV);
  const other = makeInstance(memory);
  await other.keysets.privateCipher(1, DEC);
  assert.ok(await other.keysets.findPrivateCipher(1, DEC));
  memory.rows.delete('1/private/202611');
  // The list of months is a moment old: it still has the month.
  await assert.rejects(other.keysets.findPrivateCipher(1, NOV), UNAVAILABLE);
  assert.ok(!memory.rows.has('1/private/202611'));
});

test('what one instance sealed another one finds the key for', async () => {
  const memory = await makeReady();
  const sealed = (await memory.keysets.privateCipher(1, NOV)).seal(
    'who',
    'event',
    Buffer.from('x'),
  );
  const found = await makeInstance(memory).keysets.findPrivateCipher(1, NOV);
  assert.equal(found?.open('who', 'event', sealed).toString(), 'x');
});

test('a month that begins, or is destroyed, is seen within a second although its key is cached', async () => {
  const memory = await makeReady();
  const { keysets, clock } = memory;
  assert.equal(await keysets.findPrivateCipher(1, NOV), undefined);
  await makeInstance(memory).keysets.privateCipher(1, NOV);
  clock.nowMs += 1_000;
  assert.ok(await keysets.findPrivateCipher(1, NOV));
  await destroy(memory, '1/private/202611');
  clock.nowMs += 1_000;
  assert.equal(await keysets.findPrivateCipher(1, NOV), undefined);
});

test('a month cannot be made to look destroyed by an edit of its row', async () => {
  const memory = await makeReady();
  await memory.keysets.privateCipher(1, NOV);
  await memory.keysets.auditTerm(NOV);
  memory.edit('1/private/202611', { state: 'destroyed' });
  memory.edit('0/audit-term/202611', { state: 'destroyed' });
  const other = makeInstance(memory).keysets;
  await assert.rejects(other.findPrivateCipher(1, NOV), ALTERED);
  await assert.rejects(other.auditTerms(), ALTERED);
});

test('a destroyed month cannot be brought back by an edit of its row', async () => {
  const memory = await makeReady();
  await memory.keysets.privateCipher(1, NOV);
  await destroy(memory, '1/private/202611');
  memory.edit('1/private/202611', { state: 'active' });
  await assert.rejects(makeInstance(memory).keysets.findPrivateCipher(1, NOV), ALTERED);
});

test('each month has one term key for all vaults, the same on every instance', async () => {
  const memory = await makeReady();
  const [october, november] = [
    await memory.keysets.auditTerm(OCT),
    await memory.keysets.auditTerm(NOV),
  ];
  const other = await makeInstance(memory).keysets.auditTerm(NOV + 1);
  assert.ok(other.keyObject().equals(november.keyObject()));
  assert.ok(!october.keyObject().equals(november.keyObject()));
  assert.ok(memory.rows.has('0/audit-term/202611'));
});

test('the term keys are listed newest first, without those that were destroyed', async () => {
  const memory = await makeReady();
  assert.deepEqual(await memory.keysets.auditTerms(), []);
  for (const atMs of [NOV, OCT, DEC]) {
    await memory.keysets.auditTerm(atMs);
  }
  const months = async () => (await memory.keysets.auditTerms()).map(({ month }) => month);
  assert.deepEqual(await months(), [202612, 202611, 202610]);
  const [newest] = await memory.keysets.auditTerms();
  assert.ok(newest?.key.keyObject().equals((await memory.keysets.auditTerm(DEC)).keyObject()));
  await destroy(memory, '0/audit-term/202611');
  assert.deepEqual(await months(), [202612, 202610]);
});
