import assert from 'node:assert/strict';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { auditorOf, makeStory } from '../../test/helpers/audit-story.ts';
import { failureOf } from '../../test/helpers/operations.ts';

const auditor = auditorOf('auditor');

test('an export is on record before its first byte', async () => {
  const { operations, audit } = await makeStory();
  const ask = { format: 'native', vault: 'alpha', from: '2026-01-01T00:00:00Z' } as const;
  const { output, receipt } = await operations.auditExport(auditor, ask);
  const event = audit.events.at(-1);
  assert.equal(event?.id, receipt.eventId);
  assert.equal(event?.operation, 'audit.export');
  assert.equal(event?.vault, 'alpha');
  const { shard } = output;
  assert.deepEqual(event?.what.query, { ...ask, shard, to: undefined });
  const exported = await text(output.content);
  const lines = exported.trim().split('\n');
  assert.deepEqual(
    lines.map((line) => JSON.parse(line).action),
    ['tokenize', 'detokenize'],
  );
});

test('an export that cannot be recorded does not start', async () => {
  const { operations, audit, deps } = await makeStory();
  let reads = 0;
  deps.reader.read = async function* () {
    reads += 1;
    yield [];
  };
  audit.setAvailable(false);
  const failure = await failureOf(operations.auditExport(auditor, { format: 'csv' }));
  assert.equal(failure.code, 'audit_unavailable');
  assert.equal(reads, 0);
});

test('exports are for those who read every vault; refusals are on record', async () => {
  const { operations, audit } = await makeStory();
  const cases = [
    ['alpha-auditor', {}, 'forbidden'],
    ['alpha-auditor', { vault: 'alpha' }, 'forbidden'],
    ['alpha-auditor', { vault: 'beta' }, 'vault_not_found'],
    ['desk', {}, 'forbidden'],
    ['desk', { vault: 'alpha' }, 'forbidden'],
    ['auditor', { vault: 'gone' }, 'vault_not_found'],
    ['auditor', { shard: '2024' }, 'not_found'],
    ['auditor', { from: '2026-02-30T00:00:00Z' }, 'invalid_request'],
  ] as const;
  for (const [role, ask, code] of cases) {
    const work = operations.auditExport(auditorOf(role), { format: 'native', ...ask });
    const failure = await failureOf(work);
    assert.equal(failure.code, code, JSON.stringify([role, ask]));
    assert.equal(failure.auditEventId, audit.events.at(-1)?.id);
    assert.equal(audit.events.at(-1)?.operation, 'audit.export');
  }
});

test('a log without a checkpoint cannot be exported', async () => {
  const { operations, log } = await makeStory();
  log.setPublishing(false);
  const failure = await failureOf(operations.auditExport(auditor, { format: 'tar' }));
  assert.equal(failure.code, 'not_found');
});
