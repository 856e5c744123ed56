import assert from 'node:assert/strict';
import { test } from 'node:test';
import { extract, type Header } from 'tar-stream';
import { AT_MS, type ExportLog, makeExportLog } from '../../../test/helpers/export-log.ts';
import { type GivenEvent, sampleEvent } from '../../../test/helpers/filled-log.ts';
import { disclosureDigest } from '../../crypto/disclosure.ts';
import { readLeaf } from '../../domain/audit/read-leaf.ts';
import { VaultError } from '../../domain/errors.ts';
import { decodeBundle } from '../../tlog/bundle.ts';
import { openCheckpoint } from '../../tlog/checkpoint.ts';
import { makeEdge } from '../../tlog/edge.ts';
import { hashLeaves } from '../../tlog/hash.ts';
import { parsePolicy } from '../../tlog/parse-policy.ts';
import { type TileId, tilesOf } from '../../tlog/tile.ts';
import { formatTilePath } from '../../tlog/tile-path.ts';
import { parseVerifierKey } from '../../tlog/verifier-key.ts';
import { verifyReceiptFile } from '../../verify/verify-receipt.ts';
import { exportStream } from './formats.ts';
import { packTar } from './tar.ts';

type File = { header: Header; bytes: Buffer };

const tarOf = (log: ExportLog) => exportStream(log, { ...log, format: 'tar' });

async function collect(stream: AsyncIterable<unknown>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

async function unpack(archive: Buffer): Promise<Map<string, File>> {
  const files = new Map<string, File>();
  const entries = extract();
  entries.end(archive);
  for await (const entry of entries) {
    files.set(entry.header.name, { header: entry.header, bytes: await collect(entry) });
  }
  return files;
}

const logOf = (count: number, published = count) =>
  makeExportLog(
    Array.from({ length: count }, () => sampleEvent()),
    { published },
  );

function jsonLines(files: Map<string, File>, path: string): Record<string, unknown>[] {
  const text = files.get(path)?.bytes.toString() ?? assert.fail(`no ${path}`);
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

test('a tar is a static log: its bundles give the root that its checkpoint signs', async () => {
  const log = logOf(700, 600);
  const files = await unpack(await collect(tarOf(log)));
  const policy = files.get('policy')?.bytes.toString() ?? '';
  const [, vkey = ''] = /^log (\S+)\nquorum none\n$/.exec(policy) ?? assert.fail(policy);
  const signed = openCheckpoint({
    note: files.get('checkpoint')?.bytes ?? assert.fail(),
    origin: log.shard.origin,
    log: [parseVerifierKey(vkey)],
  });
  const edge = makeEdge();
  const paths = new Set([
    'checkpoint',
    'policy',
    'shard.json',
    'disclosures.jsonl',
    'erasures.jsonl',
  ]);
  for (const tile of tilesOf(600)) {
    paths.add(formatTilePath(tile));
    if (tile.level > 0) continue;
    const path = formatTilePath({ ...tile, level: 'entries' });
    paths.add(path);
    const leaves = decodeBundle(files.get(path)?.bytes ?? assert.fail(path), tile.width);
    assert.deepEqual(files.get(formatTilePath(tile))?.bytes, hashLeaves(leaves));
    edge.append(hashLeaves(leaves));
  }
  assert.equal(signed.checkpoint.size, 600);
  assert.deepEqual(signed.checkpoint.root, edge.root());
  assert.deepEqual(new Set(files.keys()), paths);
  const statement = jsonLines(files, 'shard.json')[0];
  assert.deepEqual(statement, { shard: '2026', origin: log.shard.origin, size: 600, minIndex: 0 });
});

test('the disclosures that are left are beside it, and the list of those that are not', async () => {
  const log = logOf(10, 8);
  log.events[3]?.who.sealed.fill(0);
  log.events[4]?.who.sealed.fill(0);
  log.events[4]?.what.sealed.fill(0);
  log.erasures.push({ eventId: 'e1', logId: 1, label: 'who', indexes: [3, 4, 9] });
  log.erasures.push({ eventId: 'e2', logId: 1, label: 'what', indexes: [9] });
  const files = await unpack(await collect(tarOf(log)));
  const lines = jsonLines(files, 'disclosures.jsonl');
  assert.deepEqual(
    lines.map(({ index, who, what }) => [index, who !== undefined, what !== undefined]),
    [0, 1, 2, 3, 5, 6, 7].map((index) => [index, index !== 3, true]),
  );
  const leaf = JSON.parse(String(log.events[0]?.leaf)) as { _sd: string[] };
  const texts = [lines[0]?.['who'], lines[0]?.['what']].map(String);
  assert.deepEqual(texts.map(disclosureDigest).sort(), leaf._sd);
  assert.deepEqual(jsonLines(files, 'erasures.jsonl'), [
    { event: 'e1', label: 'who', indexes: [3, 4] },
  ]);
});

test('what other shards say of gaps in this one is there with its receipt, and nothing else of them', async () => {
  const log = logOf(10);
  const event = (shard: string, more: Partial<GivenEvent>) =>
    sampleEvent({ attributes: { shard }, ...more });
  const next = makeExportLog(
    [
      event('2026', { operation: 'audit.erase' }),
      event('2025', { operation: 'audit.erase' }),
      event('2026', { operation: 'audit.prune' }),
      event('2026', { operation: 'audit.prune', outcome: 'deny' }),
      event('', { operation: 'key.destroy', attributes: { purpose: 'private', month: 202611 } }),
      event('2026', { operation: 'audit.search' }),
      event('2026', { operation: 'audit.erase' }),
    ],
    { logId: 2, shard: '2027', published: 6 },
  );
  const [erase = '', , prune, , destroy] = next.events.map(({ leaf }) => readLeaf(leaf)?.id);
  log.erasures.push({ eventId: erase, logId: 1, label: 'who', indexes: [1] });
  const { tile } = log.reader;
  Object.assign(log.reader, {
    search: async () => ({ events: [...next.events, ...log.events] }),
    checkpoint: next.reader.checkpoint,
    tile: (logId: number, at: TileId) => (logId === 2 ? next.reader : { tile }).tile(logId, at),
  });
  const { vkeysOf } = log;
  log.vkeysOf = async (origin) => [...(await vkeysOf(origin)), ...(await next.vkeysOf(origin))];
  const files = await unpack(await collect(tarOf(log)));
  const lines = jsonLines(files, 'erasures.jsonl');
  assert.deepEqual(
    lines.map((line) => line['event']),
    [erase, prune, destroy],
  );
  const policy = parsePolicy(files.get('policy')?.bytes ?? assert.fail());
  for (const { event: id, receipt } of lines) {
    const { leaf, origin } = verifyReceiptFile(String(receipt), policy);
    assert.deepEqual([leaf.id, origin], [id, next.shard.origin]);
    assert.match(
      Buffer.from(String(receipt).split('\n')[1]?.slice(6) ?? '', 'base64').toString(),
      /"disclosures":\[\]/,
    );
  }
});

test('the same log gives the same bytes, which tell nothing of the machine', async () => {
  const log = logOf(300);
  const first = await collect(tarOf(log));
  assert(first.equals(await collect(tarOf(log))));
  for (const { header } of (await unpack(first)).values()) {
    const { uid, gid, uname, gname, mode, type, mtime } = header;
    assert.deepEqual(
      [uid, gid, uname, gname, mode, type, mtime.getTime()],
      [0, 0, '', '', 0o644, 'file', AT_MS],
    );
  }
});

test('what is erased between counting and writing leaves the archive whole', async () => {
  const log = logOf(300);
  const { read } = log.reader;
  let passes = 0;
  log.reader.read = (logId, range) => {
    passes += 1;
    if (passes === 2) log.events[7]?.who.sealed.fill(0);
    return read(logId, range);
  };
  const files = await unpack(await collect(tarOf(log)));
  const lines = jsonLines(files, 'disclosures.jsonl');
  assert.equal(lines.length, 300);
  assert.equal(lines[7]?.['who'], undefined);
  assert.equal(passes, 2);
});

test('pruned bundles are left out; anything else that is missing ends the archive', async () => {
  const log = logOf(700);
  const { bundle, tile } = log.reader;
  log.reader.bundle = async (logId, at) => (at.index === 0 ? undefined : bundle(logId, at));
  await assert.rejects(collect(tarOf(log)), /tile\/entries\/000 of .* is missing/);
  const pruned = { ...log, shard: { ...log.shard, minIndex: 256 } };
  const files = await unpack(await collect(tarOf(pruned)));
  assert(!files.has('tile/entries/000') && files.has('tile/entries/001'));
  assert(files.has('tile/0/000'));
  log.reader.tile = async (logId, at) => (at.level === 1 ? undefined : tile(logId, at));
  await assert.rejects(collect(tarOf(pruned)), /tile\/1\/000\.p\/2 of .* is missing/);
});

test('an entry that is no event of ours is exported as it lies there, without disclosures', async () => {
  const log = logOf(3);
  log.events[1] = { ...(log.events[1] ?? assert.fail()), leaf: Buffer.from('not ours') };
  const files = await unpack(await collect(tarOf(log)));
  const indexes = jsonLines(files, 'disclosures.jsonl').map(({ index }) => index);
  assert.deepEqual(indexes, [0, 2]);
});

test('no more is read than is taken, and reading stops when nobody takes', async () => {
  let read = 0;
  let closed = false;
  async function* files() {
    try {
      for (; read < 10_000; read += 1) {
        yield { path: `f${read}`, bytes: Buffer.alloc(10_000) };
      }
    } finally {
      closed = true;
    }
  }
  let taken = 0;
  for await (const chunk of packTar(files(), new Date(0))) {
    taken += chunk.length;
    if (taken > 200_000) break;
    await new Promise(setImmediate);
  }
  assert(closed);
  assert(read < 40, `${read} files for 20`);
});

test('a failure on the way comes through as it is, and the archive has no end', async () => {
  const failure = new VaultError('store_unavailable');
  async function* chunks() {
    yield Buffer.alloc(600);
    throw failure;
  }
  async function* files() {
    yield { path: 'a', bytes: Buffer.from('a') };
    yield { path: 'b', size: 5_000, chunks };
  }
  const got: Buffer[] = [];
  await assert.rejects(async () => {
    for await (const chunk of packTar(files(), new Date(0))) got.push(chunk);
  }, failure);
  await assert.rejects(unpack(Buffer.concat(got)), /Unexpected end of data/);
});
