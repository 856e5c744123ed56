import assert from 'node:assert/strict';
import { appendFile, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { makeAuditReader } from '../../src/adapters/postgres/audit/reader/reader.ts';
import { pruneShard } from '../../src/app/audit/prune.ts';
import { sha256Hex } from '../../src/crypto/digest.ts';
import { readLeaf } from '../../src/domain/audit/read-leaf.ts';
import { checkInclusion } from '../../src/tlog/check-proof.ts';
import { hashLeaf } from '../../src/tlog/hash.ts';
import { makeProver } from '../../src/tlog/prover.ts';
import { sampleEvent } from '../helpers/filled-log.ts';
import { runProgram } from '../helpers/process.ts';
import { openRetentionLog, type RetentionLog } from '../helpers/retention-log.ts';

const DAY_MS = 86_400_000;
const POLICY = { policyId: 'pci-13m', confirmed: true };

let retention: RetentionLog;
let archive: string;
const leaves: Buffer[] = [];
before(async () => {
  retention = await openRetentionLog();
  for (const age of [90, 60, 0]) {
    const atMs = Date.now() - age * DAY_MS;
    const events = Array.from({ length: 400 }, () => sampleEvent({ atMs }));
    await retention.log.append(events);
  }
  await retention.publish();
  archive = await retention.writeArchive();
  for await (const block of retention.reader.read(1, { from: 0, to: 1200 })) {
    leaves.push(...block.map(({ leaf }) => leaf));
  }
});
after(async () => {
  await rm(archive, { recursive: true });
  await retention.close();
});

const prune = (asked: Partial<Parameters<typeof pruneShard>[1]>) =>
  retention.operate((operator) =>
    pruneShard(operator, { ...POLICY, archive, before: { index: 1000 }, ...asked }),
  );

const counts = () =>
  retention.sql(`select (select min_index::int from audit_log) as min,
    (select count(*)::int from audit_segment where first_index < 1200) as segments,
    (select count(distinct segment)::int from audit_term where segment < 1200) as terms,
    (select count(*)::int from audit_tile) as tiles`);

test('without confirmation the archive is looked at, and nothing else happens', async () => {
  const before = await counts();
  const planned = await prune({ confirmed: false });
  assert.deepEqual([planned.minIndex, planned.segments, planned.event], [768, 0, undefined]);
  assert.deepEqual(await counts(), before);
});

test('the digest of an archive is that of what sha256sum prints of its files', async () => {
  const command = `find . -type f | sed 's|^./||' | LC_ALL=C sort | xargs sha256sum`;
  const { stdout } = await runProgram(['sh', '-c', command], { cwd: archive });
  assert.ok(stdout.includes('  tile/entries/000\n'));
  assert.equal((await prune({ confirmed: false })).archive, sha256Hex(stdout));
});

const DAMAGE: [what: string, path: string, change: (bytes: Buffer) => Buffer | undefined][] = [
  ['a bundle is missing', 'tile/entries/001', () => undefined],
  ['a bundle was altered', 'tile/entries/001', (bytes) => flip(bytes, 60)],
  ['a bundle is too long', 'tile/entries/002', (bytes) => Buffer.concat([bytes, Buffer.alloc(1)])],
  ['a tile was altered', 'tile/0/004.p/176', (bytes) => flip(bytes, 5)],
  ['a tile is missing', 'tile/1/000.p/4', () => undefined],
  ['the checkpoint is missing', 'checkpoint', () => undefined],
  ['the checkpoint was altered', 'checkpoint', (bytes) => flip(bytes, 30)],
  ['the signature was altered', 'checkpoint', (bytes) => flip(bytes, bytes.length - 30)],
  ['a disclosure is missing', 'disclosures.jsonl', (bytes) => without(bytes, 700)],
  ['a disclosure was altered', 'disclosures.jsonl', (bytes) => flip(bytes, 60)],
  ['all disclosures are missing', 'disclosures.jsonl', () => undefined],
];

for (const [what, path, change] of DAMAGE) {
  test(`an archive is refused when ${what}`, async () => {
    const whole = await readFile(join(archive, path));
    const changed = change(whole);
    const before = await counts();
    try {
      await (changed === undefined
        ? rm(join(archive, path))
        : writeFile(join(archive, path), changed));
      await assert.rejects(prune({}), /archive/);
    } finally {
      await writeFile(join(archive, path), whole);
    }
    assert.deepEqual(await counts(), before);
  });
}

test('an archive that lost what is kept in the log anyway will do', async () => {
  const path = join(archive, 'tile/entries/003');
  const whole = await readFile(path);
  await writeFile(path, flip(whole, 60));
  assert.equal((await prune({ confirmed: false })).minIndex, 768);
  await writeFile(path, whole);
});

test('what is not published yet cannot be pruned', async () => {
  await assert.rejects(prune({ before: { index: 1201 } }), /not published/);
  await assert.rejects(prune({ shard: '2025' }), /no such shard/);
});

test('pruning takes whole segments below the index, told before, and a second run does nothing', async () => {
  const atMs = Date.now() - 75 * DAY_MS;
  const pruned = await prune({ before: { atMs } });
  // The second segment begins at 400: the bundle that it shares with the first one stays.
  assert.deepEqual([pruned.minIndex, pruned.segments], [256, 0]);
  const more = await prune({ before: { index: 1000 } });
  assert.deepEqual([more.minIndex, more.segments], [768, 1]);
  assert.deepEqual(await counts(), [{ min: 768, segments: 2, terms: 2, tiles: 4 }]);
  const event = await retention.reader.findEvent(more.event ?? '');
  assert.ok(event !== undefined);
  assert.deepEqual(readLeaf(event.leaf)?.attr, {
    shard: '2026',
    minIndex: 768,
    archive: more.archive,
    policy: 'pci-13m',
  });
  const again = await prune({});
  assert.deepEqual([again.minIndex, again.segments, again.event], [768, 0, undefined]);
});

test('every inclusion proof is still made from the tiles, of pruned entries too', async () => {
  const reader = makeAuditReader(retention);
  const size = 1200;
  const prover = makeProver({
    size,
    readTile: async (tile) => (await reader.tile(1, tile)) ?? Buffer.alloc(0),
  });
  const root = await prover.root();
  for (let index = 0; index < size; index += 37) {
    checkInclusion({
      index,
      size,
      root,
      leafHash: hashLeaf(leaves[index] ?? Buffer.alloc(0)),
      proof: await prover.inclusion(index),
    });
  }
});

test('a later archive need not have what an earlier one took', async () => {
  await retention.publish();
  await rm(join(archive, 'tile/entries/000'));
  assert.equal((await prune({ before: { index: 1100 } })).minIndex, 1024);
  await appendFile(join(archive, 'notes.txt'), 'kept with it');
});

function flip(bytes: Buffer, at: number): Buffer {
  const flipped = Buffer.from(bytes);
  flipped.writeUInt8(flipped.readUInt8(at) ^ 1, at);
  return flipped;
}

function without(bytes: Buffer, line: number): Buffer {
  return Buffer.from(bytes.toString().split('\n').toSpliced(line, 1).join('\n'));
}
