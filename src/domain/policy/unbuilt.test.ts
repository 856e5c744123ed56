import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parse } from 'yaml';
import { VaultError } from '../errors.ts';
import { compilePolicy } from './compile.ts';
import { findUnbuilt } from './unbuilt.ts';

const demo = new URL('../../../examples/policies/demo.yaml', import.meta.url);

/** The demo policy as it will be once everything is built: the differences to the example of today. */
const REFERENCE_TOKENS = {
  email: { mode: 'deterministic', format: 'email' },
  phone: { mode: 'deterministic', format: 'phone' },
  pan: { mode: 'deterministic', format: 'card', keepFirst: 6, keepLast: 4, luhn: 'fail' },
  ssn: { mode: 'deterministic', format: 'us-ssn' },
  loyalty: { mode: 'fpe', format: 'digits', keepLast: 4 },
  iban: { mode: 'random', format: 'iban' },
  note: { mode: 'siv', prefix: 'note' },
  cvv: { mode: 'volatile', prefix: 'cvv' },
};

function referencePolicy() {
  const document = parse(readFileSync(demo, 'utf8'));
  for (const [field, token] of Object.entries(REFERENCE_TOKENS)) {
    document.fields[field].token = token;
  }
  document.roles.supervisor[0].budget = { tokens: 1000, per: '1h' };
  return document;
}

test('the reference policy is refused for each unbuilt part, by path, and for nothing else', () => {
  assert.throws(
    () => compilePolicy(referencePolicy()),
    (error) => {
      assert.ok(error instanceof VaultError && error.code === 'policy_invalid');
      assert.deepEqual(error.problems.map(({ path, rule }) => `${path} ${rule}`).sort(), [
        'fields.cvv.token.mode not_built',
        'fields.email.token.format not_built',
        'fields.iban.token.format not_built',
        'fields.loyalty.token.format not_built',
        'fields.loyalty.token.keepLast not_built',
        'fields.loyalty.token.mode not_built',
        'fields.note.token.mode not_built',
        'fields.pan.token.format not_built',
        'fields.pan.token.keepFirst not_built',
        'fields.pan.token.keepLast not_built',
        'fields.pan.token.luhn not_built',
        'fields.phone.token.format not_built',
        'fields.ssn.token.format not_built',
        'roles.supervisor[0].budget not_built',
      ]);
      return true;
    },
  );
});

test('every other unbuilt part parses and is refused by path', () => {
  const field = (change: Record<string, unknown>) => ({
    fields: { f: { class: 'none', type: 'integer', ...change } },
  });
  const grant = (change: Record<string, unknown>) => ({
    roles: { r: [{ allow: ['detokenize'], fields: '*', views: '*', ...change }] },
  });
  const parts: [Record<string, unknown>, string][] = [
    [field({ token: { alphabet: 'abc' } }), 'fields.f.token.alphabet'],
    [field({ token: { domain: 'keep' } }), 'fields.f.token.domain'],
    [field({ views: { v: { mask: 'hash' } } }), 'fields.f.views.v.mask'],
    [field({ views: { v: { mask: 'range', width: 10 } } }), 'fields.f.views.v.mask'],
    [field({ retention: { volatile: true } }), 'fields.f.retention.volatile'],
    [field({ retention: { maxReveals: 3 } }), 'fields.f.retention.maxReveals'],
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
        token: { mode: 'random', format: 'opaque', prefix: 'tok', scope: 'subject' },
        retention: { ttl: '1h', volatile: false },
        views: { v: { mask: 'keep' } },
      },
    },
    roles: { r: [{ require: { approval: { n: 1 } }, breakGlass: false }] },
  };
  assert.deepEqual(findUnbuilt(document), []);
});

test('a document of any shape can be searched', () => {
  for (const document of [undefined, null, 1, 'x', [], [[]], { fields: [1], roles: 'r' }]) {
    assert.deepEqual(findUnbuilt(document), []);
  }
});
