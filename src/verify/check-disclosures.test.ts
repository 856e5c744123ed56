import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kinds, verifyFiles } from '../../test/helpers/sample-log.ts';
import { indexesHash, makeStaticLog, type StaticExport } from '../../test/helpers/static-log.ts';
import { makeMemoryLog } from '../../test/helpers/tlog.ts';
import { disclose } from '../crypto/disclosure.ts';
import { randomBytes } from '../crypto/random.ts';
import { formatReceipt } from '../tlog/receipt.ts';

/** A log of 20 events of one writer, of which the first four `who` were erased. */
function erasedLog() {
  const log = makeStaticLog();
  const writer = log.writer();
  while (log.size() < 20) writer.write({ vault: 'demo' });
  log.erase(writer, 'who', [2, 3, 4, 5]);
  return { log, writer };
}

type Line = { index?: number; who?: string; event?: string; indexes?: number[] };

function edit(files: StaticExport['files'], path: string, change: (lines: Line[]) => void): void {
  const text = (files.get(path) ?? Buffer.alloc(0)).toString();
  const lines = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
  change(lines);
  files.set(path, Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join('')));
}

async function after(path: string, change: (lines: Line[]) => void) {
  const { log } = erasedLog();
  const { files } = log.export();
  edit(files, path, change);
  return kinds(await verifyFiles(log, files));
}

test('a disclosure that is gone, and that no leaf explains, is found', async () => {
  const found = await after('disclosures.jsonl', (lines) => delete lines[7]?.who);
  assert.deepEqual(found, ['disclosure_missing']);
  assert.deepEqual(await after('disclosures.jsonl', (lines) => lines.splice(9, 1)), [
    'disclosure_missing',
  ]);
});

test('a disclosure of another entry, or one made up, is foreign', async () => {
  const swapped = await after('disclosures.jsonl', (lines) => {
    Object.assign(lines[9] ?? {}, { who: lines[10]?.who });
  });
  assert.deepEqual(swapped, ['disclosure_foreign', 'disclosure_missing']);
  const made = await after('disclosures.jsonl', (lines) => {
    Object.assign(lines[9] ?? {}, { who: disclose('who', {}, randomBytes).disclosure });
  });
  assert.ok(made.includes('disclosure_foreign'));
});

test('the disclosure of one label does not pass for the other', async () => {
  const found = await after('disclosures.jsonl', (lines) => {
    const line = lines[9] as { who?: string; what?: string };
    [line.who, line.what] = [line.what ?? '', line.who ?? ''];
  });
  assert.ok(found.includes('disclosure_foreign') && found.includes('disclosure_missing'));
});

test('disclosures of no entry, twice, or out of order are found', async () => {
  const beyond = await after('disclosures.jsonl', (lines) => lines.push({ index: 99, who: 'x' }));
  assert.deepEqual(beyond, ['disclosure_misplaced']);
  const twice = await after('disclosures.jsonl', (lines) => lines.splice(3, 0, lines[2] ?? {}));
  assert.deepEqual(twice, ['disclosure_misplaced']);
  const late = await after('disclosures.jsonl', (lines) => {
    lines.push(...lines.splice(3, 1));
  });
  assert.deepEqual(late.sort(), ['disclosure_misplaced', 'disclosure_missing']);
});

test('a list of erased entries that was changed explains nothing', async () => {
  const more = await after('erasures.jsonl', ([line]) => line?.indexes?.push(6));
  assert.deepEqual(more, ['erasure_unproved']);
  const renamed = await after('erasures.jsonl', ([line]) => {
    Object.assign(line ?? {}, { event: 'A'.repeat(22) });
  });
  assert.deepEqual(renamed, ['erasure_unlisted', 'erasure_unproved']);
  const fewer = await after('erasures.jsonl', ([line]) => line?.indexes?.pop());
  assert.deepEqual(fewer.sort(), ['disclosure_missing', 'erasure_unproved']);
});

test('an erasure explains nothing that came after it', async () => {
  const log = makeStaticLog();
  const writer = log.writer();
  log.erase(writer, 'who', [1, 3]);
  delete log.disclosures.get(writer.write())?.who;
  assert.deepEqual(kinds(await verifyFiles(log, log.export().files)), ['erasure_unproved']);
});

test('a refused erasure, or one of another shard, explains nothing', async () => {
  for (const attributes of [{ shard: '2025' }, { shard: '2026', outcome: 'deny' }]) {
    const log = makeStaticLog();
    const writer = log.writer();
    const { outcome = 'allow', shard } = attributes as {
      outcome?: 'allow' | 'deny';
      shard: string;
    };
    const index = writer.write({
      operation: 'audit.erase',
      outcome,
      attributes: { shard, label: 'who', count: 1, indexes: indexesHash([1]), basis: 'x' },
    });
    delete log.disclosures.get(1)?.who;
    log.erasures.push({ event: log.id(index), label: 'who', indexes: [1] });
    assert.deepEqual(kinds(await verifyFiles(log, log.export().files)), ['erasure_unproved']);
  }
});

test('entries that are announced as erased but are not are a notice', async () => {
  const { log, writer } = erasedLog();
  const { who = '' } = log.disclosures.get(9) ?? {};
  log.erase(writer, 'who', [9]);
  Object.assign(log.disclosures.get(9) ?? {}, { who });
  const { findings } = await verifyFiles(log, log.export().files);
  assert.deepEqual(
    findings.map(({ kind, severity }) => [kind, severity]),
    [['erasure_undone', 'notice']],
  );
});

test('a key of a month that goes on is not destroyed, whatever a leaf says: it would explain itself', async () => {
  const log = makeStaticLog();
  const writer = log.writer();
  const attributes = { vault: 'demo', purpose: 'private', month: 202_601 };
  const index = writer.write({ operation: 'key.destroy', vault: 'demo', attributes });
  log.disclosures.delete(index);
  const { findings, explained } = await verifyFiles(log, log.export().files);
  assert.deepEqual(
    findings.map(({ kind, count }) => [kind, count]),
    [['disclosure_missing', 2]],
  );
  assert.deepEqual(explained, []);
});

test('a leaf that says anything else than what it should explains nothing, and ends no verification', async () => {
  const log = makeStaticLog();
  const writer = log.writer();
  const odd = { toString: 1, valueOf: 1 };
  for (const operation of ['key.destroy', 'audit.erase', 'audit.prune'] as const) {
    const members = { vault: odd, month: odd, minIndex: odd, label: odd, count: odd, indexes: odd };
    writer.write({ operation, attributes: { shard: log.shard, purpose: 'private', ...members } });
  }
  const { findings, explained } = await verifyFiles(log, log.export().files);
  assert.deepEqual(
    findings.map(({ kind }) => kind),
    ['erasure_unlisted'],
  );
  assert.deepEqual(explained, []);
});

test('a destroyed key explains its own vault and month only', async () => {
  const log = makeStaticLog();
  const writer = log.writer();
  const [first, second] = [writer.write({ vault: 'a' }), writer.write({ vault: 'b' })];
  const later = writer.write({ vault: 'a', atMs: Date.UTC(2026, 1, 1) });
  log.destroyKey(writer, 'a', 202_601);
  log.disclosures.delete(second);
  log.disclosures.delete(later);
  const { explained, findings } = await verifyFiles(log, log.export().files);
  assert.deepEqual(explained, [{ why: 'key destroyed', entries: 2, by: 'leaf #5' }]);
  assert.deepEqual(findings.find(({ kind }) => kind === 'disclosure_missing')?.at, [
    `entry ${second}: who`,
    `entry ${second}: what`,
    `entry ${later}: who`,
    `entry ${later}: what`,
  ]);
  assert.equal(first, 2);
});

test('an erasure on record in a later shard is proved by its receipt', async () => {
  const old = makeStaticLog({ origin: 'log.test/audit/2025' });
  const writer = old.writer();
  const index = writer.write({ vault: 'demo' });
  delete old.disclosures.get(index)?.who;
  const next = makeStaticLog();
  const at = next.writer().write({
    operation: 'audit.erase',
    attributes: {
      shard: '2025',
      label: 'who',
      count: 1,
      indexes: indexesHash([index]),
      basis: 'x',
    },
  });
  const { checkpoint, entries } = next.export();
  const proof = await makeMemoryLog(entries).proverAt(entries.length).inclusion(at);
  const extra = Buffer.from(JSON.stringify({ leaf: String(entries[at]), disclosures: [] }));
  const receipt = formatReceipt({ index: at, proof, checkpoint, extra });
  const policy = `${next.policy.split('\n')[0]}\n${old.policy}`;
  const event = next.id(at);

  old.erasures.push({ event, label: 'who', indexes: [index] });
  const { files } = old.export();
  assert.deepEqual(kinds(await verifyFiles({ policy }, files)), ['erasure_unproved']);
  edit(files, 'erasures.jsonl', ([line]) => Object.assign(line ?? {}, { receipt }));
  const report = await verifyFiles({ policy }, files);
  assert.deepEqual(report.findings, []);
  assert.deepEqual(report.explained, [
    { why: 'erased', label: 'who', entries: 1, by: `leaf #${at} of log.test/audit/2026` },
  ]);
});
