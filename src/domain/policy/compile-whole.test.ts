import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Problem, VaultError } from '../errors.ts';
import { compilePolicy } from './compile.ts';

type Draft = Record<string, unknown>;

const sound = (change: Draft = {}): Draft => ({
  apiVersion: 'counterfoil/v1',
  vault: 'shop',
  purposes: ['chargeback'],
  fields: { pan: { class: 'direct', type: 'card', views: { last4: { mask: 'keep', last: 4 } } } },
  roles: {},
  ...change,
});
const withGrants = (...grants: unknown[]) => sound({ roles: { r: grants } });

function problemsOf(document: unknown): readonly Problem[] {
  try {
    compilePolicy(document);
    return [];
  } catch (error) {
    assert.ok(error instanceof VaultError && error.code === 'policy_invalid');
    return error.problems;
  }
}
const summaryOf = (problems: readonly Problem[]) =>
  problems.map(({ path, rule }) => `${path} ${rule}`);
const warningsOf = (document: unknown) => summaryOf(compilePolicy(document).warnings);

test('a document shows every problem at once, those behind a broken shape too', () => {
  const document = {
    apiVersion: 'v1',
    vault: 'Shop',
    colour: 'red',
    purposes: ['a', 'a'],
    fields: {
      pan: {
        class: 'secret',
        type: 'card',
        shade: 1,
        token: { mode: 'deterministic', prefix: '-', color: 1 },
        views: { full: { mask: 'redact' }, wide: { mask: 'keep', last: 5 }, odd: { mask: 'zap' } },
      },
      pin: {
        class: 'direct',
        type: 'digits',
        length: 4,
        maxBytes: -1,
        token: { mode: 'deterministic' },
      },
      dob: { type: 'day', views: { year: { mask: 'year' } } },
    },
    roles: {
      app: [{ allow: ['tokenize'] }, { allow: ['fly'], deny: ['lookup'], fields: ['pen'] }],
      desk: [
        {
          allow: ['detokenize'],
          fields: ['pan', 'dob'],
          views: ['year', 'ghost'],
          require: { reference: '(', mfa: 1, hours: { days: ['mon'], from: '9 am', to: '10:00' } },
          budget: { tokens: 1, per: '1 h' },
        },
      ],
    },
  };
  assert.deepEqual(summaryOf(problemsOf(document)).sort(), [
    'apiVersion not_one_of',
    'colour unknown_key',
    'fields.dob.class required',
    'fields.dob.type type_unknown',
    'fields.pan.class not_one_of',
    'fields.pan.shade unknown_key',
    'fields.pan.token.color unknown_key',
    'fields.pan.token.prefix malformed',
    'fields.pan.views.full name_reserved',
    'fields.pan.views.odd.mask mask_unknown',
    'fields.pan.views.wide.last card_mask_too_open',
    'fields.pin.maxBytes too_small',
    'fields.pin.token.mode values_too_few',
    'purposes[1] duplicate',
    'roles.app[0].fields required',
    'roles.app[1] effect',
    'roles.app[1].allow[0] action_unknown',
    'roles.app[1].fields[0] field_unknown',
    'roles.desk[0].budget not_built',
    'roles.desk[0].budget.per malformed',
    'roles.desk[0].require.hours.from malformed',
    'roles.desk[0].require.hours.zone required',
    'roles.desk[0].require.mfa not_one_of',
    'roles.desk[0].require.reference pattern_invalid',
    'roles.desk[0].views[1] view_unknown',
    'vault malformed',
  ]);
});

test('what loads with a warning', () => {
  const reveal = { allow: ['detokenize'], fields: '*', views: '*' };
  assert.deepEqual(warningsOf(withGrants(reveal, { allow: ['policy.apply'] })), [
    'roles.r applies_and_reveals',
  ]);
  assert.deepEqual(
    warningsOf(withGrants({ deny: ['detokenize'], fields: '*' }, { allow: ['policy.apply'] })),
    [],
  );
  const idle = { allow: ['lookup'], fields: '*', views: ['full'], require: { mfa: true } };
  assert.deepEqual(warningsOf(withGrants(idle)), [
    'roles.r[0].views without_effect',
    'roles.r[0].require without_effect',
  ]);
  const bound = { allow: ['audit.read'], fields: ['pan'] };
  assert.deepEqual(warningsOf(withGrants(bound)), ['roles.r[0].fields without_effect']);
  const blind = { allow: ['detokenize'], fields: '*' };
  assert.deepEqual(warningsOf(withGrants(blind)), ['roles.r[0].views no_views']);
});

test('a purpose cannot be required where none is declared', () => {
  const grant = { allow: ['detokenize'], fields: '*', views: '*', require: { purpose: true } };
  assert.deepEqual(summaryOf(problemsOf({ ...withGrants(grant), purposes: [] })), [
    'roles.r[0].require.purpose purpose_unknown',
  ]);
});

test('names from JavaScript itself are names like any other', () => {
  const grant = { allow: ['constructor'], fields: ['toString', '__proto__'], views: ['valueOf'] };
  assert.deepEqual(summaryOf(problemsOf(withGrants(grant))), [
    'roles.r[0].allow[0] action_unknown',
    'roles.r[0].fields[0] field_unknown',
    'roles.r[0].fields[1] field_unknown',
    'roles.r[0].views[0] view_unknown',
  ]);
  const hidden = JSON.parse('{"__proto__": {"class": "direct", "type": "text"}}');
  assert.deepEqual(summaryOf(problemsOf(sound({ fields: hidden, roles: hidden }))), [
    'fields.__proto__ name_invalid',
    'roles.__proto__ name_invalid',
  ]);
  assert.deepEqual(summaryOf(problemsOf(JSON.parse('{"__proto__": {"vault": "shop"}}'))), [
    '__proto__ unknown_key',
    'apiVersion required',
    'vault required',
    'fields required',
    'roles required',
  ]);
});

test('a document that could exhaust the service is refused', () => {
  const many = (count: number, item: unknown) =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`n${index}`, item]));
  const field = { class: 'none', type: 'text' };
  const views = many(51, { mask: 'redact' });
  const refused: [unknown, string][] = [
    [sound({ fields: many(501, field) }), 'fields too_big'],
    [sound({ fields: { f: { ...field, views } } }), 'fields.f.views too_big'],
    [sound({ roles: many(201, []) }), 'roles too_big'],
    [
      withGrants(...Array.from({ length: 101 }, () => ({ allow: ['key.read'] }))),
      'roles.r too_big',
    ],
  ];
  for (const [document, problem] of refused) {
    assert.deepEqual(summaryOf(problemsOf(document)), [problem]);
  }
  const reference = 'a'.repeat(1000);
  const grant = { allow: ['detokenize'], fields: '*', views: '*', require: { reference } };
  const bomb = withGrants(...Array.from({ length: 21 }, () => grant));
  assert.deepEqual(summaryOf(problemsOf(bomb)), [' too_big']);
});

test('whatever the document, the answer is a policy or its problems, and these quote no value', () => {
  const canary = 'Zq8-canary value';
  const anyKey = fc.constantFrom(
    ...['apiVersion', 'vault', 'fields', 'roles', 'pan', 'class', 'type', 'token', 'mode', 'views'],
    ...['mask', 'allow', 'deny', 'require', 'hours', 'zone', 'reference', 'sourceIps', 'length'],
    ...['pattern', 'retention', 'ttl', 'purposes', 'budget', 'last4', 'approval', canary],
  );
  const anyDocument = fc.letrec((tie) => ({
    node: fc.oneof(
      { depthSize: 'small' },
      fc.constantFrom(canary, 7.25, true, null, 'direct', 'card', 'detokenize', '*', 'UTC'),
      fc.array(tie('node'), { maxLength: 3 }),
      // Plain objects: what a parser of YAML or JSON makes.
      fc.dictionary(anyKey, tie('node'), { maxKeys: 6, noNullPrototype: true }),
    ),
  })).node;
  const anyChange = fc.record({ fields: anyDocument, roles: anyDocument }, { requiredKeys: [] });
  const anyInput = fc.oneof(
    anyDocument,
    anyChange.map(sound),
    anyDocument.map((field) => sound({ fields: { pan: field } })),
    anyDocument.map((grant) => withGrants(grant)),
  );
  fc.assert(
    fc.property(anyInput, (document) => {
      const text = JSON.stringify(problemsOf(document));
      assert.ok(!text.includes('canary') && !text.includes('7.25'), text);
    }),
    { numRuns: 1000 },
  );
});
