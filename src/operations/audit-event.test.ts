import assert from 'node:assert/strict';
import { test } from 'node:test';
import { auditorOf, makeStory } from '../../test/helpers/audit-story.ts';
import { failureOf } from '../../test/helpers/operations.ts';
import { disclosureDigest } from '../crypto/disclosure.ts';
import { parsePolicy } from '../tlog/parse-policy.ts';
import { parseReceipt, verifyReceipt } from '../tlog/receipt.ts';

const auditor = auditorOf('auditor');
const alpha = auditorOf('alpha-auditor');

test('an event is the same alone as among the hits of a search, and its reading is on record', async () => {
  const { operations, audit, reads } = await makeStory();
  const id = reads['alpha'] ?? '';
  const { output, receipt } = await operations.auditEvent(alpha, { id });
  const asked = { vault: 'alpha', action: 'detokenize' };
  const found = await operations.auditSearch(alpha, asked);
  assert.deepEqual(found.output.events, [output]);
  const event = audit.events.find((one) => one.id === receipt.eventId);
  assert.equal(event?.operation, 'audit.read');
  assert.equal(event?.vault, 'alpha');
  assert.deepEqual(event?.what.query, { event: id });
});

test('an event of another vault, of none, one that never was and no id at all are the same not_found', async () => {
  const { operations, audit, reads } = await makeStory();
  const search = await operations.auditSearch(auditor, {});
  const ids = [
    reads['beta'] ?? '',
    search.receipt.eventId,
    'A'.repeat(22),
    '',
    'x',
    '4111111111111111',
  ];
  for (const id of ids) {
    for (const read of [operations.auditEvent, operations.auditReceipt]) {
      const failure = await failureOf(read(alpha, { id }));
      assert.equal(failure.code, 'not_found', id);
      assert.deepEqual(failure.problems, []);
      assert.equal(failure.auditEventId, audit.events.at(-1)?.id);
      assert.equal(audit.events.at(-1)?.vault, undefined);
    }
  }
  assert.doesNotMatch(JSON.stringify(audit.events), /4111111111111111/);
  assert.equal(
    (await operations.auditEvent(auditor, { id: ids[1] ?? '' })).output.action,
    'audit.search',
  );
});

test('without audit.read anywhere nothing can be asked for', async () => {
  const { operations, reads } = await makeStory();
  const id = reads['alpha'] ?? '';
  for (const read of [operations.auditEvent, operations.auditReceipt]) {
    assert.equal((await failureOf(read(auditorOf('desk'), { id }))).code, 'forbidden');
  }
});

test('readers find what they wrote just before: an event without its place is waited for', async () => {
  const { operations, deps, reads } = await makeStory();
  const { findEvent } = deps.reader;
  let integrated = false;
  deps.reader.findEvent = async (id) => (integrated ? findEvent(id) : undefined);
  deps.progress.reached = async (stage, withinMs) => {
    assert.equal(stage, 'integrated');
    assert.equal(withinMs <= 3_000, true);
    integrated = true;
    return true;
  };
  const { output } = await operations.auditEvent(alpha, { id: reads['alpha'] ?? '' });
  assert.equal(output.action, 'detokenize');
});

test('a receipt verifies with the policy of the log alone, and opens the event', async () => {
  const { operations, log, reads } = await makeStory();
  const id = reads['alpha'] ?? '';
  const { output } = await operations.auditReceipt(alpha, { id });
  const { extra } = parseReceipt(output);
  const { leaf, disclosures } = JSON.parse(String(extra)) as {
    leaf: string;
    disclosures: string[];
  };
  const policy = parsePolicy(`log ${log.verifierKey}\nquorum none\n`);
  const { index } = verifyReceipt({ receipt: output, leaf: Buffer.from(leaf), policy });
  assert.equal(index, 1);
  assert.equal(JSON.parse(leaf).id, id);
  assert.deepEqual(disclosures.map(disclosureDigest).sort(), JSON.parse(leaf)._sd);
  assert.match(Buffer.from(disclosures[0] ?? '', 'base64url').toString(), /"tom"/);
});

test('the receipt of an erased event still verifies, and has nothing of what was erased', async () => {
  const { operations, log, reads } = await makeStory();
  const id = reads['alpha'] ?? '';
  log.erase(id, 'who');
  const { output } = await operations.auditReceipt(alpha, { id });
  const { leaf, disclosures } = JSON.parse(String(parseReceipt(output).extra));
  const policy = parsePolicy(`log ${log.verifierKey}\nquorum none\n`);
  verifyReceipt({ receipt: output, leaf: Buffer.from(leaf), policy });
  assert.equal(disclosures.length, 1);
  assert.doesNotMatch(Buffer.from(disclosures[0], 'base64url').toString(), /"tom"/);
});

test('an event that no checkpoint covers in time has no receipt yet, which is no not_found', async () => {
  const { operations, log, reads } = await makeStory();
  log.setPublishing(false);
  const ask = { id: reads['alpha'] ?? '' };
  assert.equal((await failureOf(operations.auditReceipt(alpha, ask))).code, 'store_unavailable');
  log.setPublishing(true);
  await operations.auditReceipt(alpha, ask);
});

test('a receipt that would not verify does not leave', async () => {
  const { operations, deps, log, reads } = await makeStory();
  log.publish();
  const { tile } = deps.reader;
  const ask = { id: reads['alpha'] ?? '' };
  deps.reader.tile = async (...asked) => (await tile(...asked))?.fill(7);
  assert.equal((await failureOf(operations.auditReceipt(alpha, ask))).code, 'internal');
  deps.reader.tile = async () => undefined;
  assert.equal((await failureOf(operations.auditReceipt(alpha, ask))).code, 'internal');
});
