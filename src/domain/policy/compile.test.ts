import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parse } from 'yaml';
import { VaultError } from '../errors.ts';
import { compilePolicy } from './compile.ts';

const demo = new URL('../../../examples/policies/demo.yaml', import.meta.url);

type Draft = Record<string, unknown>;

/** A sound policy; tests change one part of it. */
const sound = (change: Draft = {}): Draft => ({
  apiVersion: 'counterfoil/v1',
  vault: 'shop',
  purposes: ['chargeback'],
  fields: { pan: pan() },
  roles: { app: [{ allow: ['tokenize'], fields: '*' }] },
  ...change,
});
const pan = (change: Draft = {}): Draft => ({
  class: 'direct',
  type: 'card',
  views: { last4: { mask: 'keep', last: 4 } },
  ...change,
});
const withField = (change: Draft) => sound({ fields: { pan: pan(change) } });
const withGrant = (...grants: unknown[]) => sound({ roles: { r: grants } });
const withRequire = (require: Draft) =>
  withGrant({ allow: ['detokenize'], fields: '*', views: '*', require });

/** `path rule` of everything wrong with a document. */
function problemsOf(document: unknown): string[] {
  try {
    compilePolicy(document);
    return [];
  } catch (error) {
    assert.ok(error instanceof VaultError && error.code === 'policy_invalid');
    return error.problems.map(({ path, rule }) => `${path} ${rule}`);
  }
}

test('the demo policy compiles as it is written, without a warning', () => {
  const { policy, warnings } = compilePolicy(parse(readFileSync(demo, 'utf8')));
  assert.deepEqual(warnings, []);
  assert.equal(policy.vault, 'demo');
  assert.equal(policy.purposes.size, 5);
  assert.deepEqual(
    [...policy.fields.values()].map(
      ({ name, token, scope }) => `${name} ${token.mode} ${token.format.kind} ${scope}`,
    ),
    [
      'email deterministic email vault',
      'phone deterministic phone vault',
      'pan deterministic card vault',
      'ssn deterministic us-ssn vault',
      'loyalty fpe digits vault',
      'iban random iban vault',
      'name random opaque vault',
      'birthdate random opaque vault',
      'customerId deterministic opaque caller',
      'note siv opaque vault',
      'cvv volatile opaque vault',
    ],
  );
  assert.equal(policy.fields.get('cvv')?.ttlMs, 3_600_000);
  assert.equal(policy.fields.get('note')?.maxBytes, 16_384);
  assert.equal(policy.fields.get('pan')?.views.size, 2);
  const budgets = [...policy.roles].flatMap(([role, grants]) =>
    grants.flatMap(({ budget }) => (budget === undefined ? [] : { role, ...budget })),
  );
  assert.deepEqual(budgets, [{ role: 'supervisor', tokens: 1000, perMs: 3_600_000 }]);
});

test('what a document leaves out takes the safe default', () => {
  const { policy } = compilePolicy(
    withGrant(
      { allow: ['detokenize'], fields: ['pan'], views: ['full'] },
      { deny: ['detokenize'], fields: ['pan'] },
      { allow: ['policy.read'] },
    ),
  );
  const field = policy.fields.get('pan');
  assert.equal(field?.token.mode, 'random');
  assert.deepEqual([field?.token.format.kind, field?.token.format.prefix], ['opaque', 'tok']);
  assert.deepEqual([field?.maxBytes, field?.scope, field?.ttlMs], [4096, 'vault', undefined]);
  const [allow, deny, read] = policy.roles.get('r') ?? [];
  assert.deepEqual([allow?.id, deny?.id], ['role:r[0]', 'role:r[1]']);
  assert.deepEqual([deny?.views, read?.views, read?.fields], ['*', new Set(), new Set()]);
});

test('every part of a requirement reaches the grant', () => {
  const hours = { days: ['mon', 'sun'], from: '22:00', to: '06:30', zone: 'europe/berlin' };
  const { policy } = compilePolicy(
    withRequire({ purpose: true, mfa: true, approval: true, maxItems: 5, hours, ...condition }),
  );
  const { reference, sourceIps, ...rest } = policy.roles.get('r')?.[0]?.require ?? {};
  assert.deepEqual(rest, {
    purpose: true,
    mfa: true,
    approvals: 1,
    maxItems: 5,
    hours: { days: [1, 7], fromMinute: 1320, toMinute: 390, zone: 'Europe/Berlin' },
  });
  assert.deepEqual(
    ['T-12', 'T-', 'xT-1'].map((text) => reference?.(text)),
    [true, false, false],
  );
  assert.deepEqual(
    ['10.9.9.9', '11.0.0.1'].map((ip) => sourceIps?.(ip)),
    [true, false],
  );
});
const condition = { reference: 'T-[0-9]+', sourceIps: ['10.0.0.0/8'] };

test('each fault is found at its path', () => {
  const cases: [string, unknown, string[]][] = [
    ['no document', undefined, [' required']],
    ['a list', [], [' wrong_type']],
    ['nothing', {}, ['apiVersion', 'vault', 'fields', 'roles'].map((key) => `${key} required`)],
    ['version', sound({ apiVersion: 'counterfoil/v2' }), ['apiVersion not_one_of']],
    ['reserved vault', sound({ vault: '_system' }), ['vault malformed']],
    ['long vault', sound({ vault: 'v'.repeat(64) }), ['vault malformed']],
    ['unknown key', sound({ colour: 1, 'a b': 1 }), ['colour unknown_key', '? unknown_key']],
    ['purposes', sound({ purposes: ['a', 'a'] }), ['purposes[1] duplicate']],
    ['purpose name', sound({ purposes: ['a', 'b c'] }), ['purposes[1] malformed']],
    ['fields', sound({ fields: [] }), ['fields wrong_type']],
    ['field name', sound({ fields: { 'p an': pan() } }), ['fields.? name_invalid']],
    ['field', sound({ fields: { pan: null } }), ['fields.pan wrong_type']],
    ['role name', sound({ roles: { '1': [] } }), ['roles.1 name_invalid']],
    ['role', sound({ roles: { r: null } }), ['roles.r wrong_type']],
    ['grant', withGrant('allow'), ['roles.r[0] wrong_type']],
  ];
  for (const [name, document, problems] of cases) {
    assert.deepEqual(problemsOf(document), problems, name);
  }
});

test('each fault of a field is found at its path', () => {
  const token = (options: Draft) => ({ token: options });
  const cases: [string, Draft, string[]][] = [
    ['class', { class: 'secret' }, ['class not_one_of']],
    ['no class', { class: undefined }, ['class required']],
    ['no type', { type: undefined }, ['type required']],
    ['type', { type: 'nickname' }, ['type type_unknown']],
    ['maxBytes', { maxBytes: 0 }, ['maxBytes too_small']],
    ['huge', { maxBytes: 2_000_000 }, ['maxBytes too_big']],
    ['mode', token({ mode: 'determined', scope: 'caller' }), ['token.mode not_one_of']],
    ['format', token({ format: 'roman' }), ['token.format not_one_of']],
    ['prefix', token({ prefix: 'Pan_' }), ['token.prefix malformed']],
    ['long prefix', token({ prefix: 'p'.repeat(17) }), ['token.prefix malformed']],
    ['option', token({ color: 1 }), ['token.color unknown_key']],
    ['scope', token({ scope: 'caller' }), ['token.scope scope_unfit']],
    ['ttl', { retention: { ttl: '0h' } }, ['retention.ttl malformed']],
    ['reserved view', { views: { full: { mask: 'redact' } } }, ['views.full name_reserved']],
    ['view name', { views: { __proto__x: { mask: 'redact' } } }, ['views.__proto__x name_invalid']],
    ['views', { views: ['last4'] }, ['views wrong_type']],
    [
      'open card mask',
      { views: { v: { mask: 'keep', first: 7, last: 5 } } },
      ['views.v.first card_mask_too_open', 'views.v.last card_mask_too_open'],
    ],
    [
      'few values',
      { type: 'digits', length: 5, token: { mode: 'deterministic' } },
      ['token.mode values_too_few'],
    ],
  ];
  for (const [name, change, problems] of cases) {
    const expected = problems.map((problem) => `fields.pan.${problem}`);
    assert.deepEqual(problemsOf(withField(change)), expected, name);
  }
});

test('what FF1 permutes has a floor, and what is not stored no retention', () => {
  const rules = (change: Draft) => problemsOf(withField(change));
  const digits = (length: number, keepLast: number) =>
    rules({ type: 'digits', length, token: { mode: 'fpe', format: 'digits', keepLast } });
  assert.deepEqual(digits(10, 4), []);
  assert.deepEqual(digits(9, 4), ['fields.pan.token ff1_space_too_small']);
  const card = (keepFirst: number) =>
    rules({ token: { mode: 'fpe', format: 'card', keepFirst, keepLast: 4, luhn: 'any' } });
  assert.deepEqual([card(6), card(7)], [[], ['fields.pan.token ff1_space_too_small']]);
  const siv = { token: { mode: 'siv' }, retention: { ttl: '1d' } };
  assert.deepEqual(rules(siv), ['fields.pan.retention retention_unfit']);
});

test('each fault of a grant is found at its path', () => {
  const reveal = { allow: ['detokenize'], fields: ['pan'], views: ['full'] };
  const cases: [string, Draft, string[]][] = [
    ['no effect', { fields: ['pan'] }, [' effect']],
    ['both effects', { ...reveal, deny: ['tokenize'] }, [' effect']],
    [
      'action',
      { allow: ['read', 'vault.create'] },
      ['.allow[0] action_unknown', '.allow[1] action_unknown'],
    ],
    ['no action', { allow: [] }, ['.allow too_small']],
    ['odd action', { allow: [5] }, ['.allow[0] wrong_type']],
    ['twice', { allow: ['key.read', 'key.read'] }, ['.allow[1] duplicate']],
    ['no fields', { allow: ['tokenize'] }, ['.fields required']],
    ['deny of nothing', { deny: ['lookup'] }, ['.fields required']],
    ['empty fields', { ...reveal, fields: [] }, ['.fields too_small']],
    ['field', { ...reveal, fields: ['pan', 'pin'] }, ['.fields[1] field_unknown']],
    ['field twice', { ...reveal, fields: ['pan', 'pan'] }, ['.fields[1] duplicate']],
    ['view', { ...reveal, views: ['last4', 'last5'] }, ['.views[1] view_unknown']],
    ['view twice', { ...reveal, views: ['full', 'full'] }, ['.views[1] duplicate']],
    ['key', { ...reveal, when: 'always' }, ['.when unknown_key']],
    [
      'conditional deny',
      { deny: ['detokenize'], fields: '*', require: { mfa: true } },
      ['.require deny_conditional'],
    ],
  ];
  for (const [name, grant, problems] of cases) {
    const expected = problems.map((problem) => `roles.r[1]${problem}`);
    assert.deepEqual(problemsOf(withGrant({ allow: ['audit.read'] }, grant)), expected, name);
  }
});

test('each fault of a requirement is found at its path', () => {
  const hours = { days: ['mon'], from: '09:00', to: '17:00', zone: 'UTC' };
  const cases: [Draft, string[]][] = [
    [{ purpose: false }, ['purpose not_one_of']],
    [{ purpose: 'chargeback' }, ['purpose not_one_of']],
    [{ mfa: 'yes' }, ['mfa not_one_of']],
    [{ reference: '(' }, ['reference pattern_invalid']],
    [{ reference: '(?=a)' }, ['reference pattern_invalid']],
    [{ reference: 'a'.repeat(1001) }, ['reference too_big']],
    [{ reference: '(\\pL{30}){33}|'.repeat(70) }, ['reference pattern_invalid']],
    [{ approval: { n: 0 } }, ['approval.n too_small']],
    [{ approval: 2 }, ['approval malformed']],
    [{ maxItems: 0 }, ['maxItems too_small']],
    [{ sourceIps: [] }, ['sourceIps too_small']],
    [{ sourceIps: ['10.0.0.0/8', '10.0.0.0/33'] }, ['sourceIps[1] cidr_invalid']],
    [{ hours: { ...hours, zone: 'Europe/Atlantis' } }, ['hours.zone malformed']],
    [{ hours: { ...hours, zone: '+01:00' } }, ['hours.zone malformed']],
    [
      { hours: { ...hours, from: '25:00', zone: 'Mars/X' } },
      ['hours.from malformed', 'hours.zone malformed'],
    ],
    [{ hours: { ...hours, to: '09:00' } }, ['hours.to hours_empty']],
    [
      { hours: { ...hours, from: '9:00', to: '24:01' } },
      ['hours.from malformed', 'hours.to malformed'],
    ],
    [{ hours: { ...hours, days: ['mon', 'funday'] } }, ['hours.days[1] not_one_of']],
    [{ hours: { ...hours, zone: undefined } }, ['hours.zone required']],
    [{ vpn: true }, ['vpn unknown_key']],
  ];
  for (const [require, problems] of cases) {
    const expected = problems.map((problem) => `roles.r[0].require.${problem}`);
    assert.deepEqual(problemsOf(withRequire(require)), expected, JSON.stringify(require));
  }
});
