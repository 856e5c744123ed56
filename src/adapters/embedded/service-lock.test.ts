import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { startOf } from './process-table.ts';
import { acquireLock } from './service-lock.ts';

const root = await mkdtemp(join(tmpdir(), 'lock-test-'));
after(() => rm(root, { recursive: true }));
const folder = () => mkdtemp(join(root, 'd-'));

const DEAD = JSON.stringify({ pid: 2 ** 22 - 1, started: 'before' });

test('a second holder is refused with the process id of the first, until it releases', async () => {
  const dir = await folder();
  const lock = await acquireLock(dir);
  assert.equal((await stat(join(dir, 'lock'))).mode & 0o777, 0o600);
  await assert.rejects(acquireLock(dir), { message: new RegExp(`\\(process ${process.pid}\\)`) });
  await lock.release();
  await (await acquireLock(dir)).release();
  assert.deepEqual(await readdir(dir), []);
});

test('the lock of a process that has ended is taken over, and so is a damaged one', async () => {
  for (const left of [DEAD, '', '{"pid":']) {
    const dir = await folder();
    await writeFile(join(dir, 'lock'), left);
    const lock = await acquireLock(dir);
    assert.match(await readFile(join(dir, 'lock'), 'utf8'), new RegExp(`"pid":${process.pid},`));
    await lock.release();
  }
});

test('a process id that now belongs to another process does not hold the lock', async () => {
  const dir = await folder();
  await writeFile(join(dir, 'lock'), JSON.stringify({ pid: process.pid, started: 'long ago' }));
  await (await acquireLock(dir)).release();
});

test('of many that take over one stale lock, one gets it', async () => {
  const dir = await folder();
  await writeFile(join(dir, 'lock'), DEAD);
  const results = await Promise.allSettled(Array.from({ length: 20 }, () => acquireLock(dir)));
  assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1);
});

test('a take-over that a crash cut off is named, never guessed away', async () => {
  const dir = await folder();
  await writeFile(join(dir, 'lock'), DEAD);
  await writeFile(join(dir, 'lock.takeover'), DEAD);
  await assert.rejects(acquireLock(dir), { message: /remove .*lock\.takeover/ });
});

test('a folder that is not there is one line', async () => {
  await assert.rejects(acquireLock(join(root, 'none')), {
    message: /^Cannot write to .*no such file/,
  });
});

test('this process has a start, and an unused id has none', () => {
  assert.equal(typeof startOf(process.pid), 'string');
  assert.equal(startOf(process.pid), startOf(process.pid));
  assert.equal(startOf(2 ** 22 - 1), undefined);
});
