import assert from 'node:assert/strict';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ConfigError } from '../config/load-config.ts';
import { VaultError } from '../domain/errors.ts';
import { describeFailure } from './report-failure.ts';
import { runCli } from './run.ts';

const root = await mkdtemp(join(tmpdir(), 'cli-'));
after(() => rm(root, { recursive: true }));

async function cli(...args: string[]) {
  const printed = { out: '', err: '' };
  const code = await runCli(args, {
    env: { COUNTERFOIL_DATA_DIR: join(root, 'data') },
    out: (text) => {
      printed.out += text;
    },
    err: (text) => {
      printed.err += text;
    },
    input: async () => '',
    catchSignals: () => ({ stop: AbortSignal.abort(), hurry: AbortSignal.abort() }),
  });
  return { code, ...printed };
}

test('--help lists every command, and each command explains itself', async () => {
  const all = await cli('--help');
  assert.equal(all.code, 0);
  const names = [...all.out.matchAll(/^ {2}([a-z-]+(?: [a-z]+)?)\b/gm)].map(
    ([, name = '']) => name,
  );
  assert(names.includes('dev') && names.includes('audit search'), names.join());
  for (const name of names) {
    const one = await cli(...name.split(' '), '--help');
    assert.equal(one.code, 0);
    assert.match(one.out, new RegExp(`Usage: counterfoil ${name}\\b`));
  }
});

test('the first word of two lists its commands, and no others', async () => {
  const { code, out } = await cli('audit', '--help');
  assert.equal(code, 0);
  assert.match(out, /^ {2}audit search\b/m);
  assert.doesNotMatch(out, /^ {2}(dev|serve)\b/m);
});

test('a command line that makes no sense exits with 2, and says why in one line', async () => {
  const lines: string[][] = [
    [],
    ['nonsense'],
    ['dev', 'now'],
    ['dev', '--port', '1'],
    ['dev-token'],
    ['dev-token', '--role'],
    ['audit'],
    ['audit', 'tail', '--limit', '0'],
    ['audit', 'tail', '--limit', '1e3'],
    ['keyring', 'new'],
    ['keyring', 'new', 'a', 'b'],
    ['audit', 'key', 'new', 'a'],
    ['audit', 'key', 'old', 'a', 'b'],
  ];
  for (const line of lines) {
    const { code, out, err } = await cli(...line);
    assert.equal(code, 2, line.join(' '));
    assert.equal(out, '');
    assert.match(err, /^counterfoil: [^\n]+\n$/);
  }
});

test('a failure exits with 1, as one line or as JSON', async () => {
  const plain = await cli('audit', 'tail');
  assert.equal(plain.code, 1);
  assert.match(plain.err, /^counterfoil: No Counterfoil is running in [^\n]+\n$/);
  const json = await cli('audit', 'tail', '--json');
  assert.equal(json.code, 1);
  assert.match(JSON.parse(json.err).error, /^No Counterfoil is running in /);
});

test('keyring new makes a private key file once, and prints the setting that names it', async () => {
  const path = join(root, 'root.key');
  const made = await cli('keyring', 'new', path);
  assert.deepEqual(made, { code: 0, out: `COUNTERFOIL_KEYRING=raw-aes:${path}\n`, err: '' });
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  assert.equal((await cli('keyring', 'new', path)).code, 1);
  const json = await cli('keyring', 'new', `${path}.2`, '--json');
  assert.deepEqual(JSON.parse(json.out), { keyring: `raw-aes:${path}.2` });
});

test('serve without settings names all that it needs', async () => {
  const { code, err } = await cli('serve');
  assert.equal(code, 1);
  assert.match(err, /DATABASE_URL is required\n.*KEYRING.*\n.*ISSUER.*\n.*AUDIENCE/);
});

test('failures are told without stack traces, and unknown ones without their message', () => {
  assert.deepEqual(describeFailure(new ConfigError(['A is wrong', 'B is wrong'])).length, 3);
  const problems = [{ path: 'demo.yaml: fields.x', rule: 'unknown_key', hint: 'remove it' }];
  assert.deepEqual(describeFailure(new VaultError('policy_invalid', { problems })), [
    'The policy is invalid',
    '  demo.yaml: fields.x: unknown_key (remove it)',
  ]);
  assert.match(describeFailure(new VaultError('store_unavailable')).join(), /check DATABASE_URL/);
  const busy = Object.assign(new Error('x'), { syscall: 'listen', code: 'EADDRINUSE', port: 80 });
  assert.match(describeFailure(busy).join(), /port 80 is in use/);
  for (const unknown of [
    new TypeError('hunter2'),
    'hunter2',
    Object.assign(new Error(), { code: 'E' }),
  ]) {
    assert.match(describeFailure(unknown).join(), /^something went wrong inside \((?!.*hunter2)/);
  }
});
