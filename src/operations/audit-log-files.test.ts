import assert from 'node:assert/strict';
import { test } from 'node:test';
import { auditorOf, makeStory } from '../../test/helpers/audit-story.ts';
import { failureOf } from '../../test/helpers/operations.ts';
import { decodeBundle } from '../tlog/bundle.ts';
import { openCheckpoint } from '../tlog/checkpoint.ts';
import { hashLeaves } from '../tlog/hash.ts';
import { parseVerifierKey } from '../tlog/verifier-key.ts';

const auditor = auditorOf('auditor');

test('checkpoint and keys belong together, under the name of the shard and under `active`', async () => {
  const { operations, log } = await makeStory();
  log.publish();
  for (const shard of ['2026', 'active']) {
    const note = await operations.auditCheckpoint({ shard });
    const keys = await operations.auditVerifierKeys({ shard });
    assert.match(keys, /^[^\n]+\n$/);
    const opened = openCheckpoint({
      note,
      origin: 'log.test/audit/2026',
      log: [parseVerifierKey(keys.trim())],
    });
    assert.equal(opened.checkpoint.size, 4);
  }
});

test('tiles hold the hashes of the entries', async () => {
  const { operations, log } = await makeStory();
  log.publish();
  const bundle = await operations.auditEntries(auditor, { shard: '2026', path: 'entries/000.p/4' });
  const hashes = await operations.auditTile({ shard: '2026', path: '0/000.p/4' });
  assert.deepEqual(hashes, hashLeaves(decodeBundle(bundle.output, 4)));
  assert.deepEqual(
    await operations.auditTile({ shard: 'active', path: '0/000.p/3' }),
    hashes.subarray(0, 96),
  );
});

test('what the published tree does not have is not_found, in every spelling', async () => {
  const { operations, log } = await makeStory();
  const isMissing = async (work: Promise<unknown>) =>
    assert.equal((await failureOf(work)).code, 'not_found');
  await isMissing(operations.auditCheckpoint({ shard: 'active' }));
  await isMissing(operations.auditTile({ shard: 'active', path: '0/000.p/1' }));
  log.publish();
  for (const shard of ['2025', '', 'ACTIVE', '2026 ', '__proto__']) {
    await isMissing(operations.auditCheckpoint({ shard }));
    await isMissing(operations.auditVerifierKeys({ shard }));
    await isMissing(operations.auditTile({ shard, path: '0/000.p/1' }));
  }
  const paths = ['000', '000.p/0', '000.p/5', '000.p/256', '000.p/04', '001.p/1', '0', 'x000/000'];
  for (const path of [...paths, '', '/', '000/', '../0/000.p/1', '000.p', '000.P/1', '000.p/-1']) {
    await isMissing(operations.auditTile({ shard: '2026', path: `0/${path}` }));
    await isMissing(operations.auditEntries(auditor, { shard: '2026', path: `entries/${path}` }));
  }
  for (const level of ['00', '64', '-1', '1', '+0', '0x0']) {
    await isMissing(operations.auditTile({ shard: '2026', path: `${level}/000.p/1` }));
  }
});

test('no path gets entries without a credential, or hashes as entries', async () => {
  const { operations, log } = await makeStory();
  log.publish();
  const asked = { shard: '2026', path: 'entries/000.p/1' };
  assert.equal((await failureOf(operations.auditTile(asked))).code, 'not_found');
  const hashes = { shard: '2026', path: '0/000.p/1' };
  assert.equal((await failureOf(operations.auditEntries(auditor, hashes))).code, 'not_found');
});

test('entries are for those who read every vault; every refusal is on record', async () => {
  const { operations, log, audit } = await makeStory();
  log.publish();
  for (const role of ['alpha-auditor', 'desk', 'nobody']) {
    const asked = { shard: 'active', path: 'entries/000.p/1' };
    const failure = await failureOf(operations.auditEntries(auditorOf(role), asked));
    assert.equal(failure.code, 'forbidden');
    assert.equal(failure.auditEventId, audit.events.at(-1)?.id);
    assert.equal(audit.events.at(-1)?.operation, 'audit.read');
  }
});

test('pruned entries are not_found; their hashes remain', async () => {
  const { operations, log, deps } = await makeStory();
  log.publish();
  deps.reader.bundle = async () => undefined;
  const asked = { shard: '2026', path: 'entries/000.p/1' };
  assert.equal((await failureOf(operations.auditEntries(auditor, asked))).code, 'not_found');
  await operations.auditTile({ shard: '2026', path: '0/000.p/1' });
});

test('strangers are bounded together: one too many is refused, and nobody for ever', async () => {
  const { operations, log } = await makeStory();
  log.publish();
  const asked = Array.from({ length: 40 }, (_, turn) =>
    turn % 2 === 0
      ? operations.auditCheckpoint({ shard: '2026' })
      : operations.auditTile({ shard: '2025', path: '0/000' }),
  );
  const codes = (await Promise.allSettled(asked)).map((settled) =>
    settled.status === 'fulfilled' ? 'served' : settled.reason.code,
  );
  assert.deepEqual(
    ['served', 'not_found', 'overloaded'].map((code) => codes.filter((c) => c === code).length),
    [16, 16, 8],
  );
  assert.match(await operations.auditCheckpoint({ shard: '2026' }), /^log\.test/);
});
