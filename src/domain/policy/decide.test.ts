import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compilePolicy } from './compile.ts';
import { type AccessRequest, decide, decideAction } from './decide.ts';
import type { Policy } from './policy.ts';

type Grants = Record<string, unknown>[];
type Change = Partial<AccessRequest> & { mfa?: boolean; sourceIp?: string };

const policyOf = (roles: Record<string, Grants>): Policy =>
  compilePolicy({
    apiVersion: 'counterfoil/v1',
    vault: 'demo',
    purposes: ['chargeback'],
    fields: {
      pan: {
        class: 'direct',
        type: 'card',
        views: { masked: { mask: 'keep', first: 6, last: 4 }, last4: { mask: 'keep', last: 4 } },
      },
      note: { class: 'sensitive', type: 'text' },
    },
    roles,
  }).policy;

const reveal = (require: Record<string, unknown> = {}, views: unknown = '*') => ({
  allow: ['detokenize'],
  fields: ['pan'],
  views,
  require,
});

const requestOf = ({ mfa = false, sourceIp = '10.0.0.1', ...change }: Change): AccessRequest => ({
  principal: { roles: ['r'], mfa, sourceIp },
  action: 'detokenize',
  field: 'pan',
  view: 'full',
  items: 1,
  // A Monday, 10:00 UTC.
  atMs: Date.parse('2026-01-05T10:00:00Z'),
  ...change,
});

const codeOf = (grants: Grants, change: Change = {}) =>
  decide(policyOf({ r: grants }), requestOf(change)).code ?? 'ok';

const earlyCodeOf = (grants: Grants, change: Change = {}) =>
  decideAction(policyOf({ r: grants }), requestOf(change)).code ?? 'ok';

test('needs are told in the order purpose, second factor, reference', () => {
  const grants = [reveal({ purpose: true, mfa: true, reference: '[A-Z]+-[0-9]+' })];
  const steps: [Change, string][] = [
    [{}, 'purpose_required'],
    [{ purpose: 'curiosity', mfa: true, reference: 'T-1' }, 'purpose_required'],
    [{ purpose: 'chargeback', reference: 'T-1' }, 'mfa_required'],
    [{ purpose: 'chargeback', mfa: true }, 'reference_required'],
    [{ purpose: 'chargeback', mfa: true, reference: 'see T-1' }, 'reference_required'],
    [{ purpose: 'chargeback', mfa: true, reference: 'T-1\n' }, 'reference_required'],
    [{ purpose: 'chargeback', mfa: true, reference: 'T-1' }, 'ok'],
  ];
  for (const [change, code] of steps) {
    assert.equal(codeOf(grants, change), code);
    assert.equal(earlyCodeOf(grants, change), code);
  }
});

test('before the look-up a need counts only if every grant of the action has it', () => {
  const grants = [reveal({ purpose: true }), { ...reveal({ mfa: true }), fields: ['note'] }];
  assert.equal(earlyCodeOf(grants), 'ok');
  assert.equal(codeOf(grants), 'purpose_required');
  assert.equal(codeOf(grants, { field: 'note' }), 'mfa_required');
});

test('what every grant of the view lacks is told before what only one lacks', () => {
  assert.equal(codeOf([reveal({ mfa: true }), reveal({ purpose: true })]), 'purpose_required');
  const grants = [reveal({ purpose: true, mfa: true }), reveal({ mfa: true })];
  assert.equal(codeOf(grants), 'mfa_required');
  assert.equal(earlyCodeOf(grants), 'mfa_required');
});

test('one satisfied grant suffices, and only its own approvals are asked for', () => {
  const grants = [reveal({ approval: true }), reveal({ purpose: true }, ['full'])];
  assert.equal(codeOf(grants), 'approval_required');
  assert.equal(codeOf(grants, { purpose: 'chargeback' }), 'ok');
  const decision = decide(policyOf({ r: grants }), requestOf({}));
  assert.deepEqual(decision.obligations, { approvals: 1 });
  assert.deepEqual(decision.reasons, ['role:r[0]']);
});

test('a grant outside its hours, addresses or item count is as if absent', () => {
  const hours = { days: ['mon'], from: '09:00', to: '17:00', zone: 'UTC' };
  const monday = Date.parse('2026-01-05T17:00:00Z');
  const conditions: [Record<string, unknown>, Change][] = [
    [{ hours }, { atMs: monday }],
    [{ sourceIps: ['10.0.0.0/8', '::1'] }, { sourceIp: '192.0.2.1' }],
    [{ maxItems: 10 }, { items: 11 }],
  ];
  for (const [require, change] of conditions) {
    assert.equal(codeOf([reveal(require)]), 'ok');
    assert.equal(codeOf([reveal(require)], change), 'token_not_found');
    assert.equal(earlyCodeOf([reveal(require)], change), 'forbidden');
    assert.equal(codeOf([reveal(require), reveal({ mfa: true })], change), 'mfa_required');
  }
});

test('an address or moment that cannot be read satisfies no condition', () => {
  const hours = { days: ['mon'], from: '00:00', to: '24:00', zone: 'UTC' };
  assert.equal(codeOf([reveal({ hours })], { atMs: Number.NaN }), 'token_not_found');
  assert.equal(
    codeOf([reveal({ sourceIps: ['0.0.0.0/0'] })], { sourceIp: '?' }),
    'token_not_found',
  );
  assert.equal(codeOf([reveal({ maxItems: 1 })], { items: Number.NaN }), 'token_not_found');
});

test('views, requirements and conditions bind detokenize only', () => {
  const grant = {
    ...reveal({ mfa: true, maxItems: 1 }, ['last4']),
    allow: ['detokenize', 'lookup'],
  };
  assert.equal(codeOf([grant], { action: 'lookup', items: 9 }), 'ok');
  assert.equal(earlyCodeOf([grant], { action: 'lookup', items: 9 }), 'ok');
});

test('a deny without views denies every view, a deny of a view only that one', () => {
  const deny = { deny: ['detokenize'], fields: ['pan'] };
  assert.equal(codeOf([reveal(), deny]), 'token_not_found');
  const denyFull = { ...deny, views: ['full'] };
  assert.equal(codeOf([reveal(), denyFull], { view: 'last4' }), 'ok');
  const { code, views, reasons } = decide(policyOf({ r: [reveal(), denyFull] }), requestOf({}));
  assert.deepEqual(
    { code, views, reasons },
    {
      code: 'view_not_granted',
      views: ['last4', 'masked'],
      reasons: ['role:r[1]'],
    },
  );
});

test('a deny of all fields forbids the action before the look-up', () => {
  const deny = { deny: ['detokenize', 'policy.read'], fields: '*' };
  const grants = [reveal(), { allow: ['policy.read'] }, deny];
  assert.equal(earlyCodeOf(grants), 'forbidden');
  assert.equal(earlyCodeOf(grants, { action: 'policy.read' }), 'forbidden');
  assert.equal(codeOf(grants, { action: 'policy.read' }), 'forbidden');
  assert.equal(earlyCodeOf([reveal(), { ...deny, views: ['full'] }]), 'ok');
});

test('without a view, full is asked for; a grant without views shows none', () => {
  assert.equal(codeOf([reveal({}, ['last4'])], { view: undefined }), 'view_not_granted');
  assert.equal(codeOf([reveal({}, ['full'])], { view: undefined }), 'ok');
  const { views: _, ...blind } = reveal();
  assert.equal(codeOf([blind]), 'view_not_granted');
});

test('an action on tokens is refused while its field is not known, whatever the grants', () => {
  const grants = [{ allow: ['detokenize', 'tokenize'], fields: '*', views: '*' }];
  for (const field of [undefined, 'gone']) {
    assert.equal(codeOf(grants, { field }), 'token_not_found');
    assert.equal(codeOf(grants, { field, action: 'tokenize' }), 'forbidden');
  }
});
