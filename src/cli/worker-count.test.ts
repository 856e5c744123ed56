import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runCli } from './run.ts';

/** Nothing is started: the environment lacks what serve needs, which is found out after the command line. */
async function cli(env: Record<string, string>, ...args: string[]) {
  let err = '';
  const code = await runCli(args, {
    env,
    out: () => {},
    err: (text) => {
      err += text;
    },
    input: async () => '',
    catchSignals: () => ({ stop: AbortSignal.abort(), hurry: AbortSignal.abort() }),
  });
  return { code, err };
}

test('a number of workers that makes no sense is wrong usage, of serve and of dev', async () => {
  for (const command of ['serve', 'dev']) {
    for (const workers of ['0', 'x', '65', '1.5', '-1', '', ' 2']) {
      const { code, err } = await cli({}, command, '--workers', workers);
      assert.equal(code, 2, `${command} --workers "${workers}"`);
      assert.match(err, /--workers/);
    }
  }
});

test('the same number in the environment is a wrong configuration, unless the command line names another', async () => {
  const env = { COUNTERFOIL_WORKERS: '0' };
  const wrong = await cli(env, 'serve');
  assert.equal(wrong.code, 1);
  assert.match(wrong.err, /COUNTERFOIL_WORKERS must be a whole number from 1 to 64/);
  const other = await cli(env, 'serve', '--workers', '2');
  assert.equal(other.code, 1);
  assert.doesNotMatch(other.err, /COUNTERFOIL_WORKERS/);
});
