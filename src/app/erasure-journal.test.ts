import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { makeMemoryJournalStore } from '../../test/helpers/memory-journal.ts';
import { makeAuthority } from '../crypto/authority.ts';
import { SecretKey } from '../crypto/secret.ts';
import { VaultError } from '../domain/errors.ts';
import { makeErasureJournal } from './erasure-journal.ts';

const newKeysets = () => {
  const authority = makeAuthority(SecretKey.take(randomBytes(32)));
  return { authority: async () => authority };
};
const keysets = newKeysets();
const erasureAt = (atMs: number) => ({ vaultId: 3, digest: randomBytes(32), atMs });

/** A journal of three erasures, and where its entries are. */
async function makeFilled() {
  const store = makeMemoryJournalStore();
  const journal = makeErasureJournal({ store, keysets });
  const erasures = [30, 10, 20].map(erasureAt);
  for (const erasure of erasures) await journal.note(erasure);
  return { store, journal, erasures };
}

/** What an instance that starts now reads. */
const readBy = (store: ReturnType<typeof makeMemoryJournalStore>, by = keysets) =>
  makeErasureJournal({ store, keysets: by }).all();

test('gives back what was noted, the oldest first, to every instance, each once', async () => {
  const { store, journal, erasures } = await makeFilled();
  for (const erasure of erasures) await journal.note(erasure);
  const expected = { erasures: erasures.toSorted((a, b) => a.atMs - b.atMs), altered: [] };
  assert.deepEqual(await journal.all(), expected);
  assert.deepEqual(await journal.all(), expected);
  assert.deepEqual(await readBy(store), expected);
  assert.equal(store.entries.size, 3);
});

test('an erasure whose place is taken by something else is not noted, and says so', async () => {
  const { store, journal } = await makeFilled();
  const erasure = erasureAt(40);
  store.entries.set(`3.40.${erasure.digest.toString('hex')}`, 'somebody else’s\n');
  await assert.rejects(journal.note(erasure), { code: 'internal' });
});

test('an entry that says of another person, vault or time is nobody’s erasure', async () => {
  const { store } = await makeFilled();
  const [[name, text]] = [...store.entries] as [[string, string]];
  const [vault, atMs, digest] = name.split('.');
  const forged = [
    [`4.${atMs}.${digest}`, text],
    [`${vault}.31.${digest}`, text],
    [`${vault}.${atMs}.${randomBytes(32).toString('hex')}`, text],
    [`${vault}.77.${digest}`, `${'0'.repeat(64)}\n`],
    [`${vault}.78.${digest}`, ''],
    [`0${vault}.${atMs}.${digest}`, text],
    [`${vault}.0${atMs}.${digest}`, text],
    [`${vault}.${atMs}.${digest?.toUpperCase()}`, text],
    ['no entry at all', text],
  ] as const;
  for (const [other, content] of forged) store.entries.set(other, content);
  const { erasures, altered } = await readBy(store);
  assert.equal(erasures.length, 3);
  assert.deepEqual(altered.sort(), forged.map(([other]) => other).sort());
});

test('an altered text is no erasure, and the others are', async () => {
  const { store } = await makeFilled();
  const [name] = [...store.entries.keys()] as [string];
  const text = store.entries.get(name) ?? '';
  for (const altered of [text.slice(2), `${text}00`, text.replace(/^../, '--'), 'torn']) {
    store.entries.set(name, altered);
    const read = await readBy(store);
    assert.deepEqual([read.erasures.length, read.altered], [2, [name]]);
  }
});

test('the entries of another installation are nobody’s erasures here', async () => {
  const { store } = await makeFilled();
  const { erasures, altered } = await readBy(store, newKeysets());
  assert.deepEqual([erasures.length, altered.length], [0, 3]);
});

test('a journal that does not answer is told as that, and where it is', async () => {
  const { store, journal } = await makeFilled();
  store.names = async () => {
    throw new VaultError('store_unavailable');
  };
  await assert.rejects(journal.all(), {
    code: 'store_unavailable',
    message: /COUNTERFOIL_AUDIT_HEAD/,
  });
});

test('what the operator has deleted is forgotten by those who run, too', async () => {
  const { store, journal } = await makeFilled();
  await journal.all();
  store.entries.clear();
  assert.deepEqual(await journal.all(), { erasures: [], altered: [] });
});
