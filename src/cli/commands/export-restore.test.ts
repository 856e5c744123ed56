import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openContext } from '../../../test/helpers/cli-context.ts';
import { runCli } from '../run.ts';

const run = async (...args: string[]) => {
  const context = openContext('http://127.0.0.1:1');
  return { code: await runCli(args, context), ...context.printed };
};

test('what is missing on the command line is said', async () => {
  const cases: [string[], RegExp][] = [
    [['export'], /--vault is required/],
    [['export', '--vault', 'demo'], /--out is required/],
    [['restore', '--identity', 'file'], /--in is required/],
    [['restore', '--in', 'file'], /--identity is required/],
    [['export-key'], /expected: new FILE/],
    [['export-key', 'new', 'a', 'b'], /expected: new FILE/],
  ];
  for (const [args, said] of cases) {
    const { code, err } = await run(...args);
    assert.equal(code, 2, args.join(' '));
    assert.match(err, said);
  }
});

test('an identity is for its owner alone, and only its recipient is printed', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'counterfoil-export-key-'));
  try {
    const path = join(folder, 'identity');
    const { code, out } = await run('export-key', 'new', path);
    assert.equal(code, 0);
    assert.match(out, /^COUNTERFOIL_EXPORT_RECIPIENTS=age1[0-9a-z]{58}\n$/);
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    const recipient = out.trim().split('=')[1];
    const text = await readFile(path, 'utf8');
    assert.match(text, /^# public key: (age1\w+)\nAGE-SECRET-KEY-1[0-9A-Z]{58}\n$/);
    assert.ok(text.startsWith(`# public key: ${recipient}\n`));
    const other = await run('export-key', 'new', join(folder, 'other'), '--json');
    assert.deepEqual(Object.keys(JSON.parse(other.out)), ['recipient']);
  } finally {
    await rm(folder, { recursive: true });
  }
});
