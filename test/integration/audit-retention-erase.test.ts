import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { encodeIndexes } from '../../src/adapters/postgres/audit/retention/change.ts';
import { type ErasureRequest, eraseActor, eraseReference } from '../../src/app/audit/erase.ts';
import type { Operator } from '../../src/app/audit/operator.ts';
import { purposeFacet, type TermKind, termOf } from '../../src/crypto/audit-term.ts';
import { sha256 } from '../../src/crypto/digest.ts';
import { isErased } from '../../src/crypto/open-disclosure.ts';
import { readLeaf } from '../../src/domain/audit/read-leaf.ts';
import type { StoredEvent } from '../../src/operations/ports/audit-reader.ts';
import { sampleEvent } from '../helpers/filled-log.ts';
import { openRetentionLog, type RetentionLog, textsOf } from '../helpers/retention-log.ts';

const LAST_MONTH_MS = Date.now() - 32 * 86_400_000;
const GDPR: ErasureRequest = { basis: 'gdpr-17', ticket: 'T-1', dryRun: false };
const ISSUER = 'https://id.test';

const by = (subject: string, issuer = ISSUER) => ({
  who: {
    actor: { subject, issuer, credential: 'jwt:k1', mfa: false },
    source: { ip: '192.0.2.9' },
  },
});

let retention: RetentionLog;
before(async () => {
  retention = await openRetentionLog();
});
after(() => retention.close());

async function readAll(): Promise<StoredEvent[]> {
  const all: StoredEvent[] = [];
  for await (const block of retention.reader.read(retention.log.logId, { from: 0, to: 1e9 })) {
    all.push(...block);
  }
  return all;
}

/** Indexes of the events that a search by this text would look at. */
async function hits(kind: TermKind, text: string): Promise<number[]> {
  const months = await retention.keysets.auditTerms();
  const terms = months.map(({ key }) => termOf(key, kind, text).hash);
  const { events } = await retention.reader.search({
    termGroups: kind === 'purpose' ? [] : [terms],
    facetGroups: kind === 'purpose' ? [terms.map(purposeFacet)] : [],
    limit: 1_000,
  });
  return events.map(({ index }) => index).sort((a, b) => a - b);
}

/** Everything but what an erasure may change: leaves, and postings of events that are not erased. */
const tree = () =>
  retention.sql(`
    select first_index, n, leaves, offsets, facets, octet_length(who) as who, octet_length(what) as what,
      (select array_agg(hashes order by level, t.n) from audit_tile t) as tiles
    from audit_segment where first_index < 600 order by first_index`);

test('an erased actor is gone from the log, and nothing else is', async () => {
  const { log } = retention;
  await log.append(
    Array.from({ length: 300 }, (_, at) =>
      sampleEvent({
        ...by(at % 3 === 0 ? 'eve' : 'bob'),
        what: { tokens: [`tok_${at}`], reference: `R-${at % 2}` },
        ...(at < 150 && { atMs: LAST_MONTH_MS }),
      }),
    ),
  );
  await log.append(Array.from({ length: 300 }, (_, at) => sampleEvent(by(`user-${at % 50}`))));
  await log.append([sampleEvent(by('eve', 'https://other.test')), sampleEvent(by('eve'))]);
  const [before, treeBefore] = [await readAll(), await tree()];
  const textsBefore = await Promise.all(before.map((event) => textsOf(retention.keysets, event)));

  const erased = await retention.operate((operator) =>
    eraseActor(operator, { subject: 'eve', issuer: ISSUER }, GDPR),
  );

  const gone = [...Array.from({ length: 100 }, (_, at) => at * 3), 601];
  const [one] = erased;
  assert.deepEqual(erased, [{ shard: '2026', label: 'who', count: 101, events: one?.events }]);
  const now = (await readAll()).slice(0, before.length);
  for (const [index, event] of now.entries()) {
    const was = before[index];
    assert.ok(was !== undefined && event.leaf.equals(was.leaf));
    assert.deepEqual(event.what, was.what);
    const texts = await textsOf(retention.keysets, event);
    assert.equal(texts.who, gone.includes(index) ? undefined : textsBefore[index]?.who);
    assert.equal(isErased(event.who), gone.includes(index));
    assert.equal(event.who.vaultId, was.who.vaultId);
    assert.equal(event.who.sealed.length, was.who.sealed.length);
  }
  assert.deepEqual(await tree(), treeBefore);
  // The other issuer's person of the same name stays.
  assert.deepEqual(await hits('actor', 'eve'), [600]);
  assert.deepEqual(await hits('token', 'tok_3'), [3]);
  assert.equal((await hits('reference', 'R-0')).length, 150);
  assert.equal((await hits('actor', 'bob')).length, 200);
  for (const id of log.ids) assert.ok(await retention.reader.findEvent(id));
});

test('the leaf of an erasure tells what, how many, which and why, but neither whom nor the ticket', async () => {
  const [erasure, ...others] = await retention.reader.erasures(retention.log.logId);
  assert.deepEqual(others, []);
  assert.ok(erasure !== undefined);
  const event = await retention.reader.findEvent(erasure.eventId);
  assert.ok(event !== undefined);
  assert.deepEqual(readLeaf(event.leaf)?.attr, {
    shard: '2026',
    label: 'who',
    count: 101,
    indexes: sha256(encodeIndexes(erasure.indexes)).toString('base64'),
    basis: 'gdpr-17',
  });
  const texts = await textsOf(retention.keysets, event);
  const read = (text = '') => Buffer.from(text, 'base64url').toString();
  assert.match(read(texts.who), /"sub":"operator:/);
  assert.match(read(texts.what), /"reference":"T-1"/);
  assert.doesNotMatch(`${event.leaf}${read(texts.who)}${read(texts.what)}`, /eve/);
  assert.doesNotMatch(event.leaf.toString(), /T-1|operator/);
});

test('erasing again does nothing and tells nothing', async () => {
  const before = await readAll();
  const again = await retention.operate((operator) =>
    eraseActor(operator, { subject: 'eve', issuer: ISSUER }, GDPR),
  );
  assert.deepEqual(again, []);
  assert.equal((await readAll()).length, before.length);
});

test('a dry run only counts', async () => {
  const before = await readAll();
  const found = await retention.operate((operator) =>
    eraseActor(operator, { subject: 'bob' }, { ...GDPR, dryRun: true }),
  );
  assert.deepEqual(found, [{ shard: '2026', label: 'who', count: 200, events: [] }]);
  assert.deepEqual(await readAll(), before);
});

test('--before spares what came later', async () => {
  const request = { ...GDPR, beforeMs: LAST_MONTH_MS + 1 };
  const found = await retention.operate((operator) =>
    eraseActor(operator, { subject: 'bob' }, { ...request, dryRun: true }),
  );
  assert.deepEqual(
    found.map(({ count }) => count),
    [100],
  );
});

test('what was to be erased when the operator crashed is erased by the next run', async () => {
  await retention.log.append([sampleEvent(by('cyd'))]);
  const crash = new Error('crash');
  const run = (crashes: boolean) =>
    retention.operate((operator) => {
      const tell: Operator['tell'] = async (deed) => {
        const eventId = await operator.tell(deed);
        if (crashes) throw crash;
        return eventId;
      };
      return eraseActor({ ...operator, tell }, { subject: 'cyd' }, GDPR);
    });
  await assert.rejects(run(true), crash);
  assert.equal((await hits('actor', 'cyd')).length, 1);
  const erased = await run(false);
  assert.deepEqual(
    erased.map(({ count }) => count),
    [1],
  );
  assert.deepEqual(await hits('actor', 'cyd'), []);
});

test('an erased reference takes along all that its events could be found by, but not who did it', async () => {
  const atMs = LAST_MONTH_MS;
  await retention.log.append([
    sampleEvent({
      ...by('dan'),
      atMs,
      what: { tokens: ['tok_x', 'tok_y'], reference: 'CASE-7', purpose: 'care' },
    }),
    sampleEvent({ ...by('dan'), what: { tokens: ['tok_x'], reference: 'CASE-8' } }),
  ]);
  const kept = (await hits('token', 'tok_x'))[1];
  assert.equal((await hits('purpose', 'care')).length, 1);
  const erased = await retention.operate((operator) => eraseReference(operator, 'CASE-7', GDPR));
  assert.deepEqual(
    erased.map(({ label, count }) => [label, count]),
    [['what', 1]],
  );
  assert.deepEqual(await hits('reference', 'CASE-7'), []);
  assert.deepEqual(await hits('token', 'tok_y'), []);
  assert.deepEqual(await hits('token', 'tok_x'), [kept]);
  assert.deepEqual(await hits('purpose', 'care'), []);
  assert.equal((await hits('actor', 'dan')).length, 2);
});
