import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { makeNoteSigner } from '../../tlog/signing-key.ts';
import { createLogKey, readLogKey } from './log-key.ts';

const root = await mkdtemp(join(tmpdir(), 'log-key-'));
after(() => rm(root, { recursive: true }));
const name = 'vault.example.com/audit/2026';

test('a new key is one line for its owner only, and its public key is the one that was told', async () => {
  const path = join(root, 'new.key');
  const vkey = await createLogKey(path, name);
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  const text = await readFile(path, 'utf8');
  assert(/^PRIVATE\+KEY\+vault\.example\.com\/audit\/2026\+[0-9a-f]{8}\+[^\n]+\n$/.test(text));
  assert.equal(makeNoteSigner(await readLogKey(path)).verifierKey, vkey);
});

test('a key is never overwritten', async () => {
  const path = join(root, 'kept.key');
  await createLogKey(path, name);
  const before = await readFile(path);
  await assert.rejects(createLogKey(path, name), { message: /^There is a file [^\n]+\.$/ });
  assert.deepEqual(await readFile(path), before);
});

test('a name that cannot stand in a signature line is refused, and leaves no file', async () => {
  for (const unfit of ['', 'two words', 'a+b', 'a\nb']) {
    const path = join(root, 'unfit.key');
    await assert.rejects(createLogKey(path, unfit), { message: /cannot name a key[^\n]+\.$/ });
  }
  assert(!(await readdir(root)).some((file) => file.startsWith('unfit')));
});

test('a file open to others, or of another kind, is refused in one line without its content', async () => {
  const path = join(root, 'open.key');
  await createLogKey(path, name);
  await chmod(path, 0o640);
  await assert.rejects(readLogKey(path), { message: /open to others[^\n]+chmod 600[^\n]+$/ });
  await mkdir(join(root, 'folder'), { mode: 0o700 });
  await writeFile(join(root, 'text'), 'hunter2\n', { mode: 0o600 });
  await writeFile(join(root, 'large'), 'x'.repeat(2_000), { mode: 0o600 });
  for (const other of ['folder', 'text', 'large', 'missing']) {
    await assert.rejects(readLogKey(join(root, other)), (error: Error) => {
      assert.match(error.message, /^[^\n]+\.$/);
      assert(!error.message.includes('hunter2'));
      return true;
    });
  }
});
