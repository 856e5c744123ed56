import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { readLogKey } from '../../app/audit/log-key.ts';
import { makeNoteSigner } from '../../tlog/signing-key.ts';
import { runCli } from '../run.ts';

const root = await mkdtemp(join(tmpdir(), 'audit-key-'));
after(() => rm(root, { recursive: true }));

test('audit key makes a key file and prints its public key, and nothing of the private one', async () => {
  const path = join(root, 'log.key');
  const printed: string[] = [];
  const context = {
    env: {},
    out: (text: string) => void printed.push(text),
    err: (text: string) => void printed.push(text),
    input: async () => '',
    catchSignals: () => ({ stop: AbortSignal.abort(), hurry: AbortSignal.abort() }),
  };
  assert.equal(await runCli(['audit', 'key', 'new', path, 'log.test/audit/2026'], context), 0);
  const { verifierKey } = makeNoteSigner(await readLogKey(path));
  assert.deepEqual(printed, [`${verifierKey}\n`]);
  assert.equal(await runCli(['audit', 'key', 'new', path, 'log.test/audit/2026'], context), 1);
  assert.match(printed[1] ?? '', /never overwritten/);
});
