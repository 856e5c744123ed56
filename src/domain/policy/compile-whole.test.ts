import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Problem, VaultError } from '../errors.ts';
import { checkPolicy, compileFields, compilePolicy } from './compile.ts';

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

test('a budget stands on an allow of detokenize, and nowhere else', () => {
  const budget = { tokens: 1000, per: '1h' };
  const reveal = { allow: ['detokenize', 'token.inspect'], fields: '*', views: '*', budget };
  const { policy, warnings } = compilePolicy(withGrants(reveal));
  assert.deepEqual(warnings, []);
  assert.deepEqual(policy.roles.get('r')?.[0]?.budget, { tokens: 1000, perMs: 3_600_000 });
  const refused: [Draft, string[]][] = [
    [{ allow: ['tokenize'], fields: '*', budget }, ['roles.r[0].budget budget_unfit']],
    [{ deny: ['detokenize'], fields: '*', budget }, ['roles.r[0].budget deny_conditional']],
    [{ ...reveal, budget: { tokens: 0, per: '1h' } }, ['roles.r[0].budget.tokens too_small']],
    [{ ...reveal, budget: { tokens: 5 } }, ['roles.r[0].budget.per required']],
  ];
  for (const [grant, problems] of refused) {
    assert.deepEqual(summaryOf(problemsOf(withGrants(grant))), problems);
  }
});

test('retention.volatile says what the mode does, or the document is refused', () => {
  const withRetention = (mode: string, volatile: boolean) =>
    sound({
      fields: { f: { class: 'none', type: 'text', token: { mode }, retention: { volatile } } },
    });
  assert.deepEqual(problemsOf(withRetention('volatile', true)), []);
  assert.deepEqual(problemsOf(withRetention('random', false)), []);
  const unfit = ['fields.f.retention.volatile volatile_unfit'];
  assert.deepEqual(summaryOf(problemsOf(withRetention('random', true))), unfit);
  assert.deepEqual(summaryOf(problemsOf(withRetention('volatile', false))), unfit);
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

test('a check tells problems and warnings side by side, and throws for nothing', () => {
  const idle = { allow: ['lookup'], fields: '*', views: ['full'] };
  const { problems, warnings, policy } = checkPolicy(withGrants(idle, { allow: ['fly'] }));
  assert.deepEqual(summaryOf(problems), ['roles.r[1].allow[0] action_unknown']);
  assert.deepEqual(summaryOf(warnings), ['roles.r[0].views without_effect']);
  assert.equal(policy, undefined);
  assert.equal(checkPolicy(sound()).policy?.vault, 'shop');
});

test('fields of an outdated document can be compared, those that mean nothing any more are marked', () => {
  const fields = { ...(sound()['fields'] as Draft), odd: { class: 'none', type: 'gone' } };
  const found = compileFields(sound({ fields, roles: 'outdated', extra: 1 }));
  assert.deepEqual([...found.keys()], ['pan', 'odd']);
  assert.equal(found.get('pan')?.type.kind, 'card');
  assert.equal(found.get('odd'), undefined);
  assert.equal(compileFields(undefined).size, 0);
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
