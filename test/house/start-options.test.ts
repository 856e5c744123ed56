import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { productionEnv, productionFlags } from '../../bench/lab/processes.ts';
import { runProgram } from '../helpers/process.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

/** Two semi-spaces of 8 MiB; left to itself, Node takes four times that on a large machine. */
const NEW_SPACE_BYTES = 16 * 1024 * 1024;

const FILL = `
  let kept = [];
  for (let i = 0; i < 3_000_000; i += 1) {
    kept.push({ i });
    if (kept.length === 100_000) kept = [];
  }
  const { space_size } = require('node:v8').getHeapSpaceStatistics().find((space) => space.space_name === 'new_space');
  process.stdout.write(JSON.stringify({ space_size, env: process.env }));
`;

/** The same program under the options of `npm start`: its script with another end. */
function startScript(end: string): string {
  const { start } = JSON.parse(read('package.json')).scripts as { start: string };
  assert.match(start, / src\/main\.ts dev$/);
  return start.replace('src/main.ts dev', end);
}

test('npm start, the command and the image start Node with the same options', () => {
  const entry = /^ENTRYPOINT (.*)$/m.exec(read('deploy/Dockerfile'))?.[1] ?? '[]';
  const [, ...image] = JSON.parse(entry) as string[];
  assert.deepEqual(image, [...productionFlags(), 'dist/main.js']);
  assert.ok(startScript('END').endsWith(` node ${productionFlags().join(' ')} END`));
});

test('npm start, the command and the image set the C library alike', () => {
  const env = Object.entries(productionEnv());
  assert.equal(env.length, 2);
  for (const [name, value] of env) {
    assert.match(read('deploy/Dockerfile'), new RegExp(`^ENV ${name}=${value}$`, 'm'));
    assert.ok(startScript('END').includes(`"${name}=\${${name}:-${value}}"`));
  }
});

test('under these options the young generation stays small, however much garbage is made', async () => {
  const command = startScript('-e "$FILL"');
  const path = `${join(ROOT, 'node_modules', '.bin')}:${process.env['PATH'] ?? ''}`;
  const { code, stdout, stderr } = await runProgram(['sh', '-c', command], {
    env: { PATH: path, FILL },
  });
  assert.equal(code, 0, stderr);
  const { space_size: bytes, env } = JSON.parse(stdout) as {
    space_size: number;
    env: Record<string, string>;
  };
  assert.ok(bytes <= NEW_SPACE_BYTES, `${bytes} bytes`);
  assert.partialDeepStrictEqual(env, productionEnv());
});

test('an operator who sets another number of arenas gets it', async () => {
  const command = startScript('-p process.env.MALLOC_ARENA_MAX');
  const path = `${join(ROOT, 'node_modules', '.bin')}:${process.env['PATH'] ?? ''}`;
  const { stdout } = await runProgram(['sh', '-c', command], {
    env: { PATH: path, MALLOC_ARENA_MAX: '5' },
  });
  assert.equal(stdout.trim(), '5');
});
