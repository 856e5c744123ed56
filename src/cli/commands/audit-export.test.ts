import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import { type Pack, pack } from 'tar-stream';
import { startAnswering } from '../../../test/helpers/answering-server.ts';
import { openContext } from '../../../test/helpers/cli-context.ts';
import { UsageError } from '../command.ts';
import { auditExport } from './audit-export.ts';

const root = await mkdtemp(join(tmpdir(), 'export-'));
after(() => rm(root, { recursive: true }));

type Body = string | AsyncIterable<Buffer>;
type Entry = Parameters<Pack['entry']>[0] & { content?: string };

/** A folder for one test, and the command against a service that gives this answer. */
async function arrange(t: TestContext, body: Body) {
  const folder = await mkdtemp(join(root, 'case-'));
  const server = await startAnswering(t, [{ status: 200, body }]);
  const context = openContext(server.url);
  const run = (values: Record<string, string | boolean>) =>
    auditExport.run(context, { values, words: [] });
  return { folder, run, asked: server.asked, printed: context.printed };
}

async function* tarOf(...entries: Entry[]): AsyncGenerator<Buffer> {
  const archive = pack();
  for (const { content = '', ...header } of entries) archive.entry(header, content);
  archive.finalize();
  for await (const chunk of archive) yield chunk as Buffer;
}

/** Breaks off after some bytes. */
async function* broken(whole: AsyncIterable<Buffer>, bytes: number): AsyncGenerator<Buffer> {
  for await (const chunk of whole) {
    yield chunk.subarray(0, bytes);
    await new Promise((resolve) => setTimeout(resolve, 20));
    throw new Error('broken off');
  }
}

test('an export goes to a file that only its owner can read, in place of an older one', async (t) => {
  const { folder, run, asked, printed } = await arrange(t, 'one\ntwo\n');
  const path = join(folder, 'log.csv');
  await writeFile(path, 'older', { mode: 0o644 });
  const values = { format: 'csv', out: path, vault: 'demo', to: '2026-02-01', shard: '2026' };
  assert(await run(values));
  assert.equal(asked[0]?.line, 'POST /v1/audit/export');
  assert.deepEqual(JSON.parse(asked[0]?.body ?? ''), {
    format: 'csv',
    vault: 'demo',
    to: '2026-02-01T00:00:00.000Z',
    shard: '2026',
  });
  assert.equal(await readFile(path, 'utf8'), 'one\ntwo\n');
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  assert.deepEqual(await readdir(folder), ['log.csv']);
  assert.equal(printed.out, `exported 8 bytes to ${path}\n`);
});

test('what breaks off in the middle leaves nothing that looks complete', async (t) => {
  const lines = (async function* () {
    yield Buffer.from('one\n');
  })();
  const first = await arrange(t, broken(lines, 4));
  const path = join(first.folder, 'log.ndjson');
  await writeFile(path, 'older');
  await assert.rejects(first.run({ format: 'native', out: path }), { message: /broke off/ });
  assert.deepEqual(await readdir(first.folder), ['log.ndjson']);
  assert.equal(await readFile(path, 'utf8'), 'older');
  const archive = tarOf({ name: 'checkpoint', content: 'x'.repeat(600) });
  const second = await arrange(t, broken(archive, 700));
  const dir = join(second.folder, 'log');
  await assert.rejects(second.run({ format: 'tar', out: dir }), { message: /broke off/ });
  assert.deepEqual(await readdir(second.folder), []);
});

test('a tar becomes a new folder, or a file that ends in .tar', async (t) => {
  const entries = [
    { name: 'checkpoint', content: 'note' },
    { name: 'tile/0/x001/000.p/1', content: 'hash' },
    { name: 'disclosures.jsonl', content: '' },
  ];
  const { folder, run, printed } = await arrange(t, tarOf(...entries));
  const dir = join(folder, 'log');
  await mkdir(dir);
  await run({ format: 'tar', out: dir, json: true });
  assert.equal(await readFile(join(dir, 'tile/0/x001/000.p/1'), 'utf8'), 'hash');
  assert.equal((await stat(dir)).mode & 0o777, 0o700);
  assert.equal((await stat(join(dir, 'checkpoint'))).mode & 0o777, 0o600);
  assert.deepEqual(JSON.parse(printed.out), { format: 'tar', path: dir, bytes: 8, files: 3 });
  const packed = await arrange(t, 'tar bytes');
  await packed.run({ format: 'tar', out: join(packed.folder, 'log.tar') });
  assert.equal(await readFile(join(packed.folder, 'log.tar'), 'utf8'), 'tar bytes');
});

test('an archive that reaches out of its folder, or holds more than files, is refused whole', async (t) => {
  const evil: Entry[] = [
    { name: '../evil', content: 'x' },
    { name: 'tile/../../evil', content: 'x' },
    { name: '/evil', content: 'x' },
    { name: 'a/./b', content: 'x' },
    { name: '.hidden', content: 'x' },
    { name: 'C:\\evil', content: 'x' },
    { name: 'line\nbreak', content: 'x' },
    { name: 'link', type: 'symlink', linkname: '/etc/passwd' },
    { name: 'link', type: 'link', linkname: 'checkpoint' },
    { name: 'pipe', type: 'fifo' },
    { name: 'folder', type: 'directory' },
    { name: 'checkpoint', content: 'twice' },
    { name: 'checkpoint/below', content: 'a file as a folder' },
  ];
  for (const entry of evil) {
    const { folder, run } = await arrange(t, tarOf({ name: 'checkpoint', content: 'x' }, entry));
    const values = { format: 'tar', out: join(folder, 'log') };
    await assert.rejects(run(values), { name: 'VaultError' }, entry.name);
    assert.deepEqual(await readdir(folder), [], entry.name);
  }
});

test('what is no tar is refused', async (t) => {
  const { folder, run } = await arrange(t, 'no tar'.repeat(500));
  await assert.rejects(run({ format: 'tar', out: join(folder, 'log') }), { name: 'VaultError' });
  assert.deepEqual(await readdir(folder), []);
});

test('a folder with something in it is not touched, and nothing is asked for', async (t) => {
  const { folder, run, asked } = await arrange(t, tarOf({ name: 'checkpoint', content: 'x' }));
  await writeFile(join(folder, 'mine'), 'x');
  await assert.rejects(run({ format: 'tar', out: folder }), { message: /is not empty/ });
  assert.deepEqual(await readdir(folder), ['mine']);
  assert.equal(asked.length, 0);
});

test('a command line that makes no sense is told before anything is asked for', async (t) => {
  const { run, asked } = await arrange(t, '');
  const lines = [
    {},
    { format: 'xml', out: 'x' },
    { format: 'csv' },
    { format: 'tar', out: 'x', vault: 'demo' },
    { format: 'tar', out: 'x', from: '2026-01-01' },
    { format: 'csv', out: 'x', from: 'yesterday' },
  ];
  for (const line of lines) {
    await assert.rejects(run(line), UsageError, JSON.stringify(line));
  }
  assert.equal(asked.length, 0);
});
