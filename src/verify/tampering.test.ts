import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kinds, sampleLog, verifyFiles } from '../../test/helpers/sample-log.ts';
import { makeStaticLog, type StaticExport, treeFiles } from '../../test/helpers/static-log.ts';
import { encodeBundle } from '../tlog/bundle.ts';
import { signCheckpoint } from '../tlog/checkpoint.ts';
import { makeEdge } from '../tlog/edge.ts';
import { hashLeaves } from '../tlog/hash.ts';
import type { FindingKind } from './findings.ts';
import { isClean } from './report.ts';

const log = sampleLog(600);
const whole = log.export();
/** Every file that says something; the policy in an export is for people. */
const paths = [...whole.files.keys()].filter((path) => path !== 'policy');

/** Kinds of findings after a change to a copy of the files. */
async function after(change: (files: StaticExport['files']) => void): Promise<FindingKind[]> {
  const files = new Map(whole.files);
  change(files);
  return kinds(await verifyFiles(log, files));
}

/** The kinds after the entries were changed and the tree was built anew, signed by this key or left. */
async function afterRebuild(
  change: (entries: Buffer[]) => void,
  signer?: typeof log.signer,
): Promise<FindingKind[]> {
  const entries = [...whole.entries];
  change(entries);
  return after((files) => {
    for (const path of paths) if (path.startsWith('tile/')) files.delete(path);
    for (const [path, bytes] of treeFiles(entries)) files.set(path, bytes);
    if (signer === undefined) return;
    const edge = makeEdge();
    edge.append(hashLeaves(entries));
    const { origin } = log;
    const state = { origin, size: entries.length, root: edge.root() };
    files.set('checkpoint', Buffer.from(signCheckpoint(state, [signer])));
    const statement = { origin, shard: log.shard, size: entries.length, minIndex: 0 };
    files.set('shard.json', Buffer.from(JSON.stringify(statement)));
  });
}

const flip = (bytes: Buffer = Buffer.alloc(0), at = 0): Buffer => {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
};

test('one flipped bit is found: in each byte of small files, and all over the large ones', async () => {
  const small = sampleLog(40);
  const { files } = small.export();
  for (const path of files.keys()) {
    const bytes = files.get(path) ?? Buffer.alloc(0);
    const step = path === 'policy' ? bytes.length + 1 : Math.max(1, Math.floor(bytes.length / 150));
    for (let at = step > bytes.length ? bytes.length : 0; at < bytes.length; at += step) {
      const report = await verifyFiles(small, new Map(files).set(path, flip(bytes, at)));
      assert.ok(!isClean(report), `${path} byte ${at}`);
    }
  }
});

test('a change in any one file of a larger log is found under its name', async () => {
  const expected = (path: string): FindingKind[] => {
    if (path.startsWith('tile/entries/')) return ['entry_wrong'];
    // The hashes of the tile lead to another root; its own entries and the tile above contradict it.
    if (path.startsWith('tile/0/')) return ['root_wrong', 'entry_wrong'];
    return path.startsWith('tile/') ? ['tile_wrong'] : [];
  };
  for (const path of paths.filter((name) => name.startsWith('tile/'))) {
    const found = await after((files) => files.set(path, flip(files.get(path), 40)));
    for (const kind of expected(path)) assert.ok(found.includes(kind), `${path}: ${found}`);
  }
});

test('a file that is gone is found under its name', async () => {
  const expected: Record<string, FindingKind> = {
    checkpoint: 'checkpoint_missing',
    'shard.json': 'statement_wrong',
    'disclosures.jsonl': 'disclosure_missing',
    'erasures.jsonl': 'erasure_unlisted',
  };
  for (const path of paths) {
    const found = await after((files) => files.delete(path));
    const kind = path.startsWith('tile/entries/') ? 'bundle_missing' : 'tile_missing';
    // Without shard.json it looks like a copy: what it says is then said by nobody, and nothing is wrong.
    if (path !== 'shard.json')
      assert.ok(found.includes(expected[path] ?? kind), `${path}: ${found}`);
  }
});

test('two entries, bundles or tiles that change places are found', async () => {
  const swap = (a: string, b: string) =>
    after((files) => {
      const [first = Buffer.alloc(0), second = Buffer.alloc(0)] = [files.get(a), files.get(b)];
      files.set(a, second).set(b, first);
    });
  assert.ok((await swap('tile/entries/000', 'tile/entries/001')).includes('entry_wrong'));
  assert.ok((await swap('tile/0/000', 'tile/0/001')).includes('root_wrong'));
  assert.ok((await swap('tile/0/000', 'tile/1/000.p/2')).includes('tile_malformed'));
  const swapped = await after((files) => {
    const entries = whole.entries.slice(0, 256);
    [entries[3], entries[4]] = [entries[4] ?? Buffer.alloc(0), entries[3] ?? Buffer.alloc(0)];
    files.set('tile/entries/000', encodeBundle(entries));
  });
  assert.ok(swapped.includes('entry_wrong'));
});

test('an entry put in, taken out or changed is found, though all tiles were built anew', async () => {
  const [first = Buffer.alloc(0)] = whole.entries;
  assert.ok((await afterRebuild((entries) => entries.splice(300, 1))).includes('tile_missing'));
  assert.ok(
    (await afterRebuild((entries) => entries.splice(300, 1, first))).includes('root_wrong'),
  );
  assert.ok((await afterRebuild((entries) => entries.splice(300, 0, first))).length > 0);
  assert.ok((await afterRebuild((entries) => entries.splice(550))).includes('tile_missing'));
});

test('a log that somebody else signed is not believed at all', async () => {
  const { signer } = makeStaticLog();
  assert.deepEqual(await afterRebuild(() => undefined, signer), ['checkpoint_refused']);
});

test('whoever holds the key, and signs what he changed, is found by the numbers of the writers', async () => {
  const { signer } = log;
  const indexOf = (text: string) =>
    whole.entries.findIndex((entry) => String(entry).includes(text));
  const taken = await afterRebuild((entries) => entries.splice(300, 1), signer);
  assert.ok(taken.includes('number_missing'));
  const [entry = Buffer.alloc(0)] = whole.entries.slice(300);
  const doubled = await afterRebuild((entries) => entries.splice(301, 0, entry), signer);
  assert.ok(doubled.includes('number_twice') && doubled.includes('id_twice'));
  const swapped = await afterRebuild((entries) => {
    const [one = entry, two = entry] = [entries[300], entries[303]];
    entries.splice(300, 1, two);
    entries.splice(303, 1, one);
  }, signer);
  assert.ok(swapped.includes('number_twice'));
  const beheaded = await afterRebuild((entries) => entries.splice(0, 1), signer);
  assert.ok(beheaded.includes('open_missing'));
  const hidden = await afterRebuild(
    (entries) => entries.splice(indexOf('"op":"audit.erase"'), 1),
    signer,
  );
  assert.ok(hidden.includes('erasure_unproved'));
});

test('a leaf must be canonical JSON of version 1', async () => {
  const replace = (text: (leaf: string) => string) =>
    afterRebuild((entries) => {
      entries.splice(20, 1, Buffer.from(text(String(entries[20]))));
    }, log.signer);
  assert.ok((await replace((leaf) => leaf.replace('{', '{ '))).includes('leaf_not_canonical'));
  const doubled = await replace((leaf) => leaf.replace('"v":1', '"v":1,"v":1'));
  assert.ok(doubled.includes('leaf_not_canonical'));
  assert.ok((await replace((leaf) => `\ufeff${leaf}`)).includes('leaf_malformed'));
  assert.ok((await replace((leaf) => leaf.replace('"v":1', '"v":2'))).includes('leaf_malformed'));
  assert.ok((await replace(() => '['.repeat(60_000))).includes('leaf_malformed'));
});

test('a leaf put in by somebody without keys is found, whatever it says: no disclosure opens', async () => {
  const forged = (text: (leaf: string) => string) =>
    afterRebuild((entries) => {
      entries.splice(300, 1, Buffer.from(text(String(entries[300]))));
    }, log.signer);
  const bare = await forged((leaf) => leaf.replace(/"_sd":\[[^\]]*\]/, '"_sd":[]'));
  assert.ok(bare.includes('author_wrong'));
  const one = await forged((leaf) => leaf.replace(/"_sd":\["[^"]*",/, '"_sd":['));
  assert.ok(one.includes('author_wrong'));
  const ownerless = await forged((leaf) => leaf.replace(/,"w":\[[^\]]*\]/, ''));
  assert.ok(ownerless.includes('author_wrong'));
  const other = await forged((leaf) => leaf.replace(/"op":"[^"]*"/, '"op":"log.key"'));
  assert.ok(other.includes('author_wrong'));
});

test('a signed size beyond what is there ends the verification soon', async () => {
  const root = Buffer.alloc(32);
  const huge = signCheckpoint({ origin: log.origin, size: 2 ** 52, root }, [log.signer]);
  const found = await after((files) => files.set('checkpoint', Buffer.from(huge)));
  assert.ok(found.includes('tile_missing'));
});
