import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createRootKey, readRootKey } from './root-key.ts';

const root = await mkdtemp(join(tmpdir(), 'root-key-'));
after(() => rm(root, { recursive: true }));

test('a new root key is 32 bytes for its owner only, and reads back', async () => {
  const path = join(root, 'new.key');
  await createRootKey(path);
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  const bytes = await readFile(path);
  assert.equal(bytes.length, 32);
  assert.notDeepEqual(bytes, Buffer.alloc(32));
  assert.deepEqual((await readRootKey(path)).reveal(), bytes);
  assert.deepEqual(await readdir(root), ['new.key']);
});

test('a root key is never overwritten, and of many makers one makes it', async () => {
  const path = join(root, 'raced.key');
  const makers = await Promise.allSettled(Array.from({ length: 20 }, () => createRootKey(path)));
  assert.equal(makers.filter(({ status }) => status === 'fulfilled').length, 1);
  const before = await readFile(path);
  await assert.rejects(createRootKey(path), {
    code: 'key_unavailable',
    message: /never overwritten/,
  });
  assert.deepEqual(await readFile(path), before);
  assert(!(await readdir(root)).some((name) => name.startsWith('raced.key.')));
});

test('anything but a private file of exactly 32 bytes is refused in one line', async () => {
  for (const length of [0, 31, 33]) {
    const path = join(root, `${length}.key`);
    await writeFile(path, Buffer.alloc(length), { mode: 0o600 });
    await assert.rejects(readRootKey(path), { message: /exactly 32 bytes\.$/ });
  }
  const folder = join(root, 'folder.key');
  await mkdir(folder);
  await assert.rejects(readRootKey(folder), { message: /exactly 32 bytes\.$/ });
  await assert.rejects(readRootKey(join(root, 'none.key')), { message: /no such file/ });
});

test('a key that group or others can touch is refused', async () => {
  const path = join(root, 'open.key');
  await createRootKey(path);
  for (const mode of [0o640, 0o604, 0o620, 0o601]) {
    await chmod(path, mode);
    await assert.rejects(readRootKey(path), { message: /open to others .* chmod 600/ });
  }
});
