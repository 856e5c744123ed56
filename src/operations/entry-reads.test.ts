import assert from 'node:assert/strict';
import { test } from 'node:test';
import { auditorOf, makeStory } from '../../test/helpers/audit-story.ts';
import { failureOf } from '../../test/helpers/operations.ts';

const auditor = auditorOf('auditor');
const BUNDLE = { shard: 'active', path: 'entries/000.p/1' };
const MINUTE_MS = 60_000;

/** A published log, and what is recorded of reading it. */
async function makeReading() {
  const story = await makeStory();
  story.log.publish();
  const known = story.audit.events.length;
  return {
    ...story,
    read: (caller = auditor) => story.operations.auditEntries(caller, BUNDLE),
    recorded: () =>
      story.audit.events.slice(known).map(({ operation, count, who }) => ({
        operation,
        count,
        actor: who.actor?.subject,
      })),
  };
}

const one = { operation: 'audit.read', count: undefined, actor: 'test-auditor' };

test('the first read of a minute is on record before its answer, and vouches for those after it', async () => {
  const { read, recorded, audit } = await makeReading();
  const first = await read();
  assert.deepEqual(recorded(), [one]);
  assert.equal(audit.events.at(-1)?.id, first.receipt.eventId);
  assert.deepEqual(audit.events.at(-1)?.what.query, { entries: true, shard: '2026' });
  assert.equal((await read()).receipt.eventId, first.receipt.eventId);
  assert.deepEqual(recorded(), [one]);
});

test('reads that start together share one event', async () => {
  const { read, recorded } = await makeReading();
  const answers = await Promise.all(Array.from({ length: 20 }, () => read()));
  assert.equal(new Set(answers.map(({ receipt }) => receipt.eventId)).size, 1);
  assert.deepEqual(recorded(), [one]);
});

test('when the minute is over the others are one event with their count', async () => {
  const { read, recorded, advance } = await makeReading();
  for (let count = 0; count < 5; count += 1) await read();
  advance(MINUTE_MS);
  const next = await read();
  assert.deepEqual(recorded(), [one, { ...one, count: 4 }, one]);
  assert.equal((await read()).receipt.eventId, next.receipt.eventId);
});

test('callers, credentials and places are counted apart', async () => {
  const { read, recorded } = await makeReading();
  const callers = [
    auditor,
    auditorOf('auditor', { subject: 'somebody' }),
    auditorOf('auditor', { issuer: 'https://other.test' }),
    auditorOf('auditor', { credential: 'jwt:other' }),
    { ...auditor, source: { ip: '192.0.2.9' } },
  ];
  for (const caller of callers) await read(caller);
  assert.equal(recorded().length, callers.length);
});

test('what is counted is written at the end', async () => {
  const { read, recorded, deps } = await makeReading();
  for (let count = 0; count < 3; count += 1) await read();
  await deps.entryReads.close();
  assert.deepEqual(recorded(), [one, { ...one, count: 2 }]);
});

test('while nothing can be recorded nothing is served, and no count is lost', async () => {
  const { read, recorded, audit, advance, deps } = await makeReading();
  for (let count = 0; count < 3; count += 1) await read();
  audit.setAvailable(false);
  advance(MINUTE_MS);
  assert.equal((await failureOf(read())).code, 'audit_unavailable');
  assert.equal((await failureOf(read())).code, 'audit_unavailable');
  audit.setAvailable(true);
  await read();
  await deps.entryReads.close();
  assert.equal(
    recorded().reduce((sum, { count = 1 }) => sum + count, 0),
    4,
  );
});

test('a read that cannot be recorded is not served, not even beside one that can', async () => {
  const { read, audit } = await makeReading();
  audit.setAvailable(false);
  const settled = await Promise.allSettled([read(), read()]);
  assert.deepEqual(
    settled.map(({ status }) => status),
    ['rejected', 'rejected'],
  );
  audit.setAvailable(true);
  await read();
});
