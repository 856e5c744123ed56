import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import type { PersonKey } from '../../src/operations/ports/people-store.ts';
import type { NewToken, TokenKey } from '../../src/operations/ports/token-store.ts';
import type { StoresUnderTest } from '../helpers/token-stores.ts';
import { importedToken, newAnswer, newToken, past, twins, unread } from './token-store-rows.ts';

type Under = () => StoresUnderTest;
type Person = PersonKey & { subjectId: string };

const fail = () => assert.fail('no row of a small format');
let lastMs = Date.UTC(2026, 0, 1);

/** What every store of persons must do; see the comments of the port. */
export function runPeopleStoreContract(name: string, make: () => Promise<StoresUnderTest>): void {
  let under: StoresUnderTest;
  describe(`people store contract: ${name}`, () => {
    before(async () => {
      under = await make();
    });
    after(() => under.close());
    rowsContract(() => under);
    sharedContract(() => under);
    erasureContract(() => under);
    repeatContract(() => under);
  });
}

async function newPerson(under: Under, vaultId = 1): Promise<Person> {
  const digest = randomBytes(32);
  const subject = { vaultId, digest, sealedSecret: randomBytes(77) };
  return { vaultId, digest, subjectId: (await under().store.ensureSubject(subject)).id };
}

async function insert<Row extends NewToken>(under: Under, row: Row): Promise<Row> {
  assert.deepEqual(await under().store.insert(row), { kind: 'inserted' });
  return row;
}

/** An erasure that was never asked for before. */
function erasureOf({ vaultId, digest }: PersonKey, tombstone: (token: string) => Buffer = fail) {
  lastMs += 1;
  return { vaultId, digest, atMs: lastMs, tombstone };
}

const isThere = async (under: Under, key: TokenKey) =>
  (await under().store.find(key)) !== undefined;

function rowsContract(under: Under): void {
  it('gives the live rows of a person in pages, each once, and whether they are shared', async () => {
    const [person, other] = [await newPerson(under), await newPerson(under)];
    const { subjectId } = person;
    const rows = Array.from({ length: 9 }, () => newToken({ subjectId }));
    for (const row of rows) await insert(under, row);
    await insert(under, newToken({ subjectId, expiresAt: past() }));
    await insert(under, newToken({ subjectId: other.subjectId }));
    const [shared] = rows;
    await under().store.link({ ...(shared ?? assert.fail()), subjectId: other.subjectId });
    const found: string[] = [];
    let after: { shard: number; token: string } | undefined;
    do {
      const page = await under().people.rowsOf({ ...person, limit: 4, ...(after && { after }) });
      for (const { row, isShared } of page) {
        assert.equal(isShared, row.token === shared?.token);
        found.push(row.token);
      }
      after = page.at(-1)?.row;
    } while (after !== undefined);
    assert.deepEqual(found.toSorted(), rows.map(({ token }) => token).toSorted());
  });

  it('gives rows as the token store does, and none of a person of another vault', async () => {
    const person = await newPerson(under);
    const { subjectId } = person;
    const row = await insert(under, newToken({ subjectId, sealedForSubject: true }));
    const [found] = await under().people.rowsOf({ ...person, limit: 1 });
    assert.deepEqual(unread(found?.row), unread(await under().store.find(row)));
    assert.equal(found?.isShared, false);
    assert.deepEqual(await under().people.rowsOf({ ...person, vaultId: 2, limit: 1 }), []);
  });
}

function sharedContract(under: Under): void {
  it('a shared row survives the first of two erasures, and is gone with the second', async () => {
    const [first, second] = [await newPerson(under), await newPerson(under)];
    const tag = randomBytes(16);
    const told = { metadata: randomBytes(93), tags: [tag] };
    const row = await insert(under, newToken({ subjectId: first.subjectId, ...told }));
    await under().store.link({ ...row, subjectId: second.subjectId });
    assert.equal(await under().people.erase(erasureOf(first)), 0);
    assert.ok(await isThere(under, row));
    assert.equal(
      (await under().store.find(row))?.metadata,
      undefined,
      'the first may have told it',
    );
    const query = { vaultId: row.vaultId, fieldIds: [row.fieldId], tags: [tag], limit: 1 };
    assert.deepEqual(await under().search.search(query), []);
    const [left] = await under().people.rowsOf({ ...second, limit: 1 });
    assert.equal(left?.isShared, false);
    assert.equal(await under().people.erase(erasureOf(second)), 1);
    assert.equal(await isThere(under, row), false);
  });

  it('a row that only the person’s secret opens goes, whoever else is linked', async () => {
    const [person, other] = [await newPerson(under), await newPerson(under)];
    const { subjectId } = person;
    const row = await insert(under, newToken({ subjectId, sealedForSubject: true }));
    await under().store.link({ ...row, subjectId: other.subjectId });
    assert.equal(await under().people.erase(erasureOf(person)), 1);
    assert.deepEqual(await under().people.rowsOf({ ...other, limit: 1 }), []);
  });
}

function erasureContract(under: Under): void {
  it('takes the person’s rows, dead ones too, and answers, and nothing of anybody else', async () => {
    const [person, other] = [await newPerson(under), await newPerson(under)];
    const { subjectId } = person;
    const idempotency = newAnswer();
    const tags = [randomBytes(16)];
    const row = await insert(under, newToken({ subjectId, idempotency, tags }));
    await insert(under, newToken({ subjectId, expiresAt: past() }));
    const untouched = [newToken(), newToken({ subjectId: other.subjectId })];
    for (const each of untouched) await insert(under, each);
    assert.equal(await under().people.erase(erasureOf(person)), 2);
    assert.equal(await isThere(under, row), false);
    const { key } = idempotency;
    assert.equal(await under().store.findAnswer({ vaultId: 1, key }), undefined);
    for (const each of untouched) assert.ok(await isThere(under, each));
    const gone = { ...newToken({ subjectId }) };
    assert.deepEqual(await under().store.insert(gone), { kind: 'subject_gone' });
  });

  it('a person who comes back is a new one', async () => {
    const person = await newPerson(under);
    await under().people.erase(erasureOf(person));
    const sealedSecret = randomBytes(77);
    const again = await under().store.ensureSubject({ ...person, sealedSecret });
    assert.notEqual(again.id, person.subjectId);
    assert.deepEqual(again.sealedSecret, sealedSecret);
  });

  it('strings of small formats stay taken; values of deterministic fields are free', async () => {
    const person = await newPerson(under);
    const { subjectId } = person;
    const [row, twin] = twins();
    await insert(under, { ...row, subjectId });
    const small = { tombstone: randomBytes(16), space: 1 };
    const kept = await insert(under, newToken({ subjectId, small }));
    const asked: string[] = [];
    const tombstone = (token: string) => {
      asked.push(token);
      return small.tombstone;
    };
    assert.equal(await under().people.erase(erasureOf(person, tombstone)), 2);
    assert.deepEqual(asked, [kept.token]);
    const again = { ...newToken({ token: kept.token }), small };
    assert.deepEqual(await under().store.insert(again), { kind: 'taken' });
    await insert(under, twin);
  });

  it('takes an imported token with what stands for it', async () => {
    const person = await newPerson(under);
    const [known] = twins();
    const row = importedToken(known, { subjectId: person.subjectId });
    assert.deepEqual(await under().store.import(row), { kind: 'imported' });
    assert.equal(await under().people.erase(erasureOf(person)), 1);
    assert.deepEqual(await under().store.import(importedToken(known)), { kind: 'imported' });
  });
}

function repeatContract(under: Under): void {
  it('the same erasure again gives the same number and leaves who came back alone', async () => {
    const person = await newPerson(under);
    const { subjectId } = person;
    await insert(under, newToken({ subjectId }));
    const erasure = erasureOf(person);
    assert.equal(await under().people.erase(erasure), 1);
    const back = await under().store.ensureSubject({ ...person, sealedSecret: randomBytes(77) });
    const row = await insert(under, newToken({ subjectId: back.id }));
    assert.equal(await under().people.erase(erasure), 1);
    assert.ok(await isThere(under, row));
    assert.equal(await under().people.erase(erasureOf(person)), 1);
    assert.equal(await isThere(under, row), false);
  });

  it('erases nobody twice for a person of another vault, or one who never was', async () => {
    const person = await newPerson(under);
    const row = await insert(under, newToken({ subjectId: person.subjectId }));
    assert.equal(await under().people.erase(erasureOf({ ...person, vaultId: 2 })), 0);
    const nobody = { vaultId: 1, digest: randomBytes(32) };
    assert.equal(await under().people.erase(erasureOf(nobody)), 0);
    assert.ok(await isThere(under, row));
  });

  it('knows the erasures that it was told of, by their times', async () => {
    const person = await newPerson(under);
    const { tombstone, ...known } = erasureOf(person);
    await under().people.erase({ ...known, tombstone });
    const unknown = [
      { ...known, atMs: known.atMs + 1 },
      { ...known, vaultId: 2 },
      { ...known, digest: randomBytes(32) },
    ];
    const asked = [unknown[0], known, unknown[1], unknown[2]].flatMap((each) => each ?? []);
    assert.deepEqual(await under().people.unknownErasures(asked), unknown);
    assert.deepEqual(await under().people.unknownErasures([]), []);
  });
}
