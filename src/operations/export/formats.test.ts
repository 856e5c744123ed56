import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AT_MS, type ExportLog, makeExportLog } from '../../../test/helpers/export-log.ts';
import { sampleEvent } from '../../../test/helpers/filled-log.ts';
import { disclosureDigest } from '../../crypto/disclosure.ts';
import { exportStream } from './formats.ts';
import type { ExportRequest } from './request.ts';

type Asked = Partial<ExportRequest> & Pick<ExportRequest, 'format'>;

async function exported(log: ExportLog, asked: Asked): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of exportStream(log, { ...log, ...asked })) {
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

async function lines(log: ExportLog, asked: Asked): Promise<Record<string, unknown>[]> {
  const text = await exported(log, asked);
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

const indexes = (events: Record<string, unknown>[]) => events.map(({ index }) => index);

test('every line of the native format can be read at once, and proves itself', async () => {
  const log = makeExportLog([sampleEvent(), sampleEvent({ vault: 'other' })]);
  const [first, second] = await lines(log, { format: 'native' });
  assert.deepEqual(first?.['actor'], {
    subject: 'ada',
    issuer: 'https://id.test',
    credential: 'jwt:k1',
    mfa: false,
  });
  assert.deepEqual(first?.['tokens'], ['tok_1']);
  assert.equal(first?.['time'], new Date(AT_MS).toISOString());
  assert.equal(second?.['vault'], 'other');
  assert.equal(first?.['leaf'], log.events[0]?.leaf.toString());
  const leaf = JSON.parse(String(first?.['leaf'])) as { _sd: string[] };
  const disclosures = first?.['disclosures'] as string[];
  assert.deepEqual(disclosures.map(disclosureDigest).sort(), leaf._sd);
});

test('events beyond the checkpoint, of other vaults and of other times stay out', async () => {
  const given = Array.from({ length: 300 }, (_, index) =>
    sampleEvent({ vault: index % 2 === 0 ? 'even' : 'odd' }),
  );
  const log = makeExportLog(given, { published: 150 });
  const all = await lines(log, { format: 'native' });
  assert.deepEqual(
    indexes(all),
    Array.from({ length: 150 }, (_, index) => index),
  );
  const [fromMs, toMs] = [AT_MS + 10_000, AT_MS + 14_000];
  const some = { vault: 'even', fromMs, toMs };
  for (const format of ['native', 'csv', 'ocsf'] as const) {
    const text = await exported(log, { format, ...some });
    assert.equal(text.trimEnd().split('\n').length, format === 'csv' ? 3 : 2);
  }
  assert.deepEqual(indexes(await lines(log, { format: 'native', ...some })), [10, 12]);
});

test('what was erased is named as erased, and nothing of it is exported', async () => {
  const log = makeExportLog([sampleEvent(), sampleEvent()]);
  log.events[0]?.who.sealed.fill(0);
  const [first, second] = await lines(log, { format: 'native' });
  assert.deepEqual(first?.['erased'], ['who']);
  assert.equal(first?.['actor'], undefined);
  assert.match(JSON.stringify(first?.['disclosures']), /^\["[\w-]+"\]$/);
  assert.equal(second?.['erased'], undefined);
  for (const format of ['csv', 'ocsf'] as const) {
    const text = await exported(log, { format, toMs: AT_MS + 1 });
    assert.doesNotMatch(text, /\bada\b|192\.0\.2\.1/);
    assert.match(text, /erased/);
  }
});

test('an entry that is no event of ours ends an export of lines: it is not left out', async () => {
  const log = makeExportLog([sampleEvent(), sampleEvent()]);
  log.events[1] = { ...(log.events[1] ?? assert.fail()), leaf: Buffer.from('{"v":2}') };
  for (const format of ['native', 'csv', 'ocsf'] as const) {
    await assert.rejects(exported(log, { format }), { code: 'internal' });
  }
});

test('a tar is of the whole log: a part of it is refused', () => {
  const log = makeExportLog([sampleEvent()]);
  assert.throws(() => exportStream(log, { ...log, format: 'tar', vault: 'demo', toMs: 1 }), {
    code: 'invalid_request',
    problems: [
      { path: '/vault', rule: 'not_with_tar' },
      { path: '/to', rule: 'not_with_tar' },
    ],
  });
});
