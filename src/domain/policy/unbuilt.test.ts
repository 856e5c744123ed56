import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VaultError } from '../errors.ts';
import { compilePolicy } from './compile.ts';
import { findUnbuilt } from './unbuilt.ts';

test('every unbuilt part parses and is refused by path', () => {
  const grant = (change: Record<string, unknown>) => ({
    roles: { r: [{ allow: ['detokenize'], fields: '*', views: '*', ...change }] },
  });
  const parts: [Record<string, unknown>, string][] = [
    [grant({ require: { approval: { n: 2 } } }), 'roles.r[0].require.approval'],
    [grant({ breakGlass: true }), 'roles.r[0].breakGlass'],
  ];
  for (const [part, path] of parts) {
    const base = { apiVersion: 'counterfoil/v1', vault: 'shop', fields: {}, roles: {} };
    assert.throws(
      () => compilePolicy({ ...base, ...part }),
      (error) => {
        assert.ok(error instanceof VaultError);
        assert.deepEqual(
          error.problems.map((problem) => [problem.path, problem.rule]),
          [[path, 'not_built']],
        );
        return true;
      },
    );
  }
});

test('built parts and defaults that are spelt out are no unbuilt parts', () => {
  const document = {
    fields: {
      f: {
        token: { mode: 'fpe', format: 'digits', keepLast: 4 },
        retention: { maxReveals: 3 },
        views: { v: { mask: 'hash' } },
      },
    },
    roles: { r: [{ require: { approval: { n: 1 } }, budget: {}, breakGlass: false }] },
  };
  assert.deepEqual(findUnbuilt(document), []);
});

test('a document of any shape can be searched', () => {
  for (const document of [undefined, null, 1, 'x', [], [[]], { fields: [1], roles: 'r' }]) {
    assert.deepEqual(findUnbuilt(document), []);
  }
});
