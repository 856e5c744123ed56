import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const README = readFileSync(join(import.meta.dirname, 'README.md'), 'utf8');

test('the example of the README runs as it stands there', () => {
  const [, example = ''] = /```ts\n(.*?)```/s.exec(README) ?? [];
  const args = ['--input-type=module-typescript', '--eval', example];
  const run = spawnSync(process.execPath, args, { cwd: import.meta.dirname, encoding: 'utf8' });
  assert.equal(run.stderr, '');
  assert.equal(run.stdout, 'entry 1 of 3 is in log.example/2026\n');
});

test('every file that the README names exists', () => {
  const names = [...README.matchAll(/`([a-z0-9-]+\.ts)`/g)].map(([, name = '']) => name);
  assert.ok(names.length > 10);
  for (const name of names) {
    assert.ok(readFileSync(join(import.meta.dirname, name)).length > 0, name);
  }
});
