import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kinds, sampleLog, verifyFiles } from '../../test/helpers/sample-log.ts';
import { makeStaticLog } from '../../test/helpers/static-log.ts';
import { addSignatures, parseNote, signatureLines } from '../tlog/note.ts';
import { generateSigningKey, makeCosigner, parseSigningKey } from '../tlog/signing-key.ts';
import type { CheckName } from './findings.ts';
import { isClean, type Report } from './report.ts';

const countOf = ({ checked }: Report, name: CheckName) =>
  checked.find(({ check }) => check === name)?.count;
const unchecked = (report: Report) => report.unchecked.map(({ check }) => check);

test('a log in which all is well has no findings, and says what was checked and what was not', async () => {
  const log = sampleLog(600);
  const report = await verifyFiles(log, log.export().files);
  assert.deepEqual(report.findings, []);
  assert.ok(isClean(report));
  assert.equal(report.log?.size, 600);
  assert.equal(report.log.state, 'active');
  assert.equal(countOf(report, 'entries'), 600);
  assert.equal(countOf(report, 'tiles'), 4);
  assert.equal(countOf(report, 'writers'), 3);
  assert.deepEqual(unchecked(report), ['witnesses', 'consistency']);
});

test('what was erased is said to be erased, by the leaf that tells of it, and is no error', async () => {
  const log = sampleLog(600);
  const report = await verifyFiles(log, log.export().files);
  const erase = log.entries.flatMap((entry, index) =>
    String(entry).includes('"op":"audit.erase"') ? [index] : [],
  );
  assert.deepEqual(report.explained, [
    { why: 'erased', label: 'who', entries: 3, by: `leaf #${erase[0]}` },
    { why: 'erased', label: 'what', entries: 2, by: `leaf #${erase[1]}` },
    { why: 'key destroyed', entries: 40, by: `leaf #${Number(erase[1]) + 1}` },
  ]);
});

test('writers that stopped or were closed have ended, the others are open with their next number', async () => {
  const log = makeStaticLog();
  const [one, two, three] = [log.writer(), log.writer(), log.writer()];
  one.stop();
  log.own('audit.writer.closed', { boot: two.boot, next: 1 });
  three.write();
  const { writers } = await verifyFiles(log, log.export().files);
  assert.deepEqual(writers, { seen: 3, ended: 2, open: [{ boot: three.boot, next: 2 }] });
});

test('a shard of a later year cites the one before, and its writers go on where it says', async () => {
  const carried = { boot: 'a'.repeat(22), next: 70 };
  const previous = { origin: 'log.test/audit/2025', size: 9, root: 'x' };
  const log = makeStaticLog({ open: { previous, writers: { [carried.boot]: 70, idle: 3 } } });
  log.writer(carried).write();
  log.own('log.freeze', { size: 3 });
  const report = await verifyFiles(log, log.export().files);
  assert.deepEqual(report.findings, []);
  assert.equal(report.log?.state, 'frozen');
  assert.deepEqual(report.opening?.previous, previous);
  assert.deepEqual(report.writers?.open, [
    { boot: carried.boot, next: 71 },
    { boot: 'idle', next: 3 },
  ]);
});

test('a shard that was opened because the one before had lost entries is an alarm, without any gap', async () => {
  const previous = { origin: 'log.test/audit/2026', size: 9, root: 'x' };
  const log = makeStaticLog({ open: { previous, rollback: { ...previous, size: 7 } } });
  log.writer().write();
  const report = await verifyFiles(log, log.export().files);
  assert.deepEqual(kinds(report), ['opened_after_loss']);
  assert.ok(!isClean(report));
});

test('a pruned log is verified by its hashes, and the entries count as pruned', async () => {
  const log = makeStaticLog();
  const [writer, late] = [log.writer(), log.writer()];
  while (log.size() < 700) writer.write({ vault: 'demo' });
  log.erase(writer, 'who', [5]);
  while (log.size() < 800) writer.write({ vault: 'demo' });
  log.prune(writer, 768);
  late.write();
  const { files } = log.export();
  const report = await verifyFiles(log, files);
  assert.deepEqual(report.findings, []);
  assert.deepEqual(report.explained, [{ why: 'pruned', entries: 768, by: 'leaf #800' }]);
  assert.equal(countOf(report, 'root'), 802);
  assert.equal(countOf(report, 'entries'), 802 - 768);
  assert.ok(unchecked(report).includes('opening'));

  // Without the leaf that tells of it, nothing is pruned: it is missing.
  files.delete('tile/entries/003.p/34');
  assert.ok(kinds(await verifyFiles(log, files)).includes('bundle_missing'));
});

test('an older checkpoint of the same log is extended by it; one of another history is not', async () => {
  const log = makeStaticLog();
  const writer = log.writer();
  while (log.size() < 300) writer.write();
  const since = log.export().checkpoint;
  while (log.size() < 700) writer.write();
  const { files, checkpoint } = log.export();
  const good = await verifyFiles(log, files, { since });
  assert.deepEqual(good.findings, []);
  assert.equal(countOf(good, 'consistency'), 1);

  // The same key, the same size, but one entry was another one.
  const other = makeStaticLog({ signer: log.signer });
  const writerOfOther = other.writer();
  while (other.size() < 300) writerOfOther.write();
  const forked = await verifyFiles(log, files, { since: other.export().checkpoint });
  assert.deepEqual(kinds(forked), ['history_changed']);

  // The tail was cut off, and the rest signed anew.
  const cut = makeStaticLog({ signer: log.signer });
  const shrunk = await verifyFiles(log, cut.export().files, { since: checkpoint });
  assert.deepEqual(kinds(shrunk), ['log_shrank']);
});

test('a checkpoint of a stranger, or of another log, is no older checkpoint', async () => {
  const log = sampleLog(60);
  const { files } = log.export();
  const stranger = makeStaticLog();
  const refused = await verifyFiles(log, files, { since: stranger.export().checkpoint });
  assert.deepEqual(kinds(refused), ['since_refused']);
  const other = makeStaticLog({ origin: 'log.test/audit/2025' });
  const policy = `${log.policy.split('\n')[0]}\n${other.policy}`;
  const foreign = await verifyFiles({ policy }, files, { since: other.export().checkpoint });
  assert.deepEqual(kinds(foreign), ['since_foreign']);
});

test('a policy with a witness is met by its cosignature, and by nothing else', async () => {
  const log = sampleLog(60);
  const witness = makeCosigner(parseSigningKey(generateSigningKey('w.test')), () => 1_770_000_000);
  const policy = `${log.policy.split('\n')[0]}\nwitness w ${witness.verifierKey}\nquorum w\n`;
  const { files, checkpoint } = log.export();
  assert.deepEqual(kinds(await verifyFiles({ policy }, files)), ['quorum_not_met']);

  const lines = signatureLines(parseNote(checkpoint).text, [witness]);
  files.set('checkpoint', Buffer.from(addSignatures(checkpoint, lines)));
  const report = await verifyFiles({ policy }, files);
  assert.deepEqual(report.findings, []);
  assert.deepEqual(report.log?.cosignatures, [{ witness: 'w', timeSeconds: 1_770_000_000 }]);
  assert.ok(!unchecked(report).includes('witnesses'));
});

test('a copy of the public part is verified, and its lack of disclosures is said', async () => {
  const log = sampleLog(60);
  const { files } = log.export();
  for (const name of ['shard.json', 'disclosures.jsonl', 'erasures.jsonl']) files.delete(name);
  const report = await verifyFiles(log, files);
  assert.deepEqual(report.findings, []);
  assert.ok(unchecked(report).includes('disclosures'));
});

test('a full tile or bundle stands for the partial one that begins it', async () => {
  const log = sampleLog(300);
  const { files } = log.export();
  const widen = (partial: string, full: string) => {
    files.set(full, Buffer.concat([files.get(partial) ?? Buffer.alloc(0), Buffer.alloc(64)]));
    files.delete(partial);
  };
  widen('tile/0/001.p/44', 'tile/0/001');
  widen('tile/entries/001.p/44', 'tile/entries/001');
  assert.deepEqual((await verifyFiles(log, files)).findings, []);
});
