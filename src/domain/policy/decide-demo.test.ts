import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parse } from 'yaml';
import { compilePolicy } from './compile.ts';
import { type AccessRequest, decide, decideAction, hasRole } from './decide.ts';
import { ACTIONS, type Action } from './policy.ts';

/*
 * The demo policy as a truth table, written from its prose by hand and not from its grants: who may do
 * what, on which field, in which views, under which condition. Every combination is compared.
 */
const demo = new URL('../../../examples/policies/demo.yaml', import.meta.url);
const { policy } = compilePolicy(parse(readFileSync(demo, 'utf8')));

const FIELDS =
  'email phone pan ssn loyalty iban name birthdate customerId note cvv never-declared'.split(' ');
const DECLARED = FIELDS.slice(0, -1);
const VIEWS = ['full', 'masked', 'last4', 'year', 'never-declared'];
const ROLES =
  'app support supervisor billing fraud approver privacy auditor operator stranger'.split(' ');

/** Actions on values and tokens, but for reveals: role → action → fields. */
const ON_FIELDS: Record<string, Partial<Record<Action, string[]>>> = {
  app: {
    tokenize: DECLARED,
    lookup: DECLARED,
    'token.revoke': DECLARED,
    'token.import': DECLARED,
  },
  support: { 'token.inspect': ['email', 'phone', 'pan', 'name'] },
  supervisor: { 'token.inspect': DECLARED },
};

/** Reveals: role → field → views, in the order in which they are told. */
const REVEALS: Record<string, Record<string, string[]>> = {
  support: { email: ['masked'], phone: ['masked'], pan: ['last4', 'masked'], name: ['masked'] },
  supervisor: {
    email: ['full', 'masked'],
    phone: ['full', 'masked'],
    pan: ['full', 'last4', 'masked'],
    ssn: ['full', 'last4'],
    loyalty: ['full', 'last4'],
    iban: ['full', 'masked'],
    name: ['full', 'masked'],
    birthdate: ['full', 'year'],
    customerId: ['full'],
    note: ['full'],
  },
  billing: { pan: ['full'], cvv: ['full'], iban: ['full'] },
  fraud: { pan: ['full'] },
};

const ON_VAULT: Record<string, Action[]> = {
  approver: ['access.approve'],
  privacy: ['subject.erase', 'subject.export'],
  auditor: ['audit.read', 'policy.read'],
  operator: [
    'policy.read',
    'policy.apply',
    'key.read',
    'key.rotate',
    'key.rewrap',
    'key.destroy',
    'audit.read',
  ],
};

const FIELD_ACTIONS: Partial<Record<Action, string>> = {
  tokenize: 'forbidden',
  lookup: 'forbidden',
  'token.import': 'forbidden',
  'token.search': 'forbidden',
  'token.inspect': 'token_not_found',
  'token.revoke': 'token_not_found',
};

type Case = {
  role: string;
  action: Action;
  field: string;
  view: string;
  purpose: boolean;
  mfa: boolean;
};

const CASES: readonly Case[] = ROLES.flatMap((role) =>
  ACTIONS.flatMap((action) =>
    FIELDS.flatMap((field) =>
      (action === 'detokenize' ? VIEWS : ['full']).flatMap((view) =>
        [0, 1, 2, 3].map((bits) => {
          return { role, action, field, view, purpose: (bits & 1) > 0, mfa: (bits & 2) > 0 };
        }),
      ),
    ),
  ),
);

const requestOf = ({ role, action, field, view, purpose, mfa }: Case): AccessRequest => ({
  principal: { roles: [role], mfa, sourceIp: '203.0.113.9' },
  action,
  field,
  view,
  purpose: purpose ? 'chargeback' : 'undeclared',
  items: 1,
  atMs: 0,
});

function expectedBeforeLookup({ role, action, purpose, mfa }: Case): string {
  if (action === 'detokenize') {
    if (REVEALS[role] === undefined) {
      return 'forbidden';
    }
    if (!purpose) {
      return 'purpose_required';
    }
    return role === 'supervisor' && !mfa ? 'mfa_required' : 'ok';
  }
  const may = ON_FIELDS[role]?.[action] !== undefined || ON_VAULT[role]?.includes(action);
  return may ? 'ok' : 'forbidden';
}

function expected(given: Case): string {
  const { role, action, field, view, purpose, mfa } = given;
  const hidden = FIELD_ACTIONS[action];
  if (hidden !== undefined) {
    return ON_FIELDS[role]?.[action]?.includes(field) ? 'ok' : hidden;
  }
  if (action !== 'detokenize') {
    return expectedBeforeLookup(given);
  }
  const views = REVEALS[role]?.[field];
  if (views === undefined) {
    return 'token_not_found';
  }
  if (!views.includes(view)) {
    return `view_not_granted ${views.join(' ')}`;
  }
  if (!purpose) {
    return 'purpose_required';
  }
  if (role === 'supervisor' && !mfa) {
    return 'mfa_required';
  }
  return role === 'fraud' ? 'approval_required' : 'ok';
}

test('the demo policy decides every case as its prose says', () => {
  assert.equal(CASES.length, 10 * 12 * 4 * (18 + 5));
  for (const given of CASES) {
    const { allowed, code, views } = decide(policy, requestOf(given));
    const answer = [allowed ? 'ok' : code, ...(views ?? [])].join(' ');
    assert.equal(answer, expected(given), JSON.stringify(given));
  }
});

test('before the look-up the demo policy decides every case as its prose says', () => {
  for (const given of CASES) {
    const { allowed, code } = decideAction(policy, requestOf(given));
    assert.equal(allowed ? 'ok' : code, expectedBeforeLookup(given), JSON.stringify(given));
  }
});

test('two roles give what either gives, less what either denies', () => {
  const allows = (given: Case, roles: string[]) => {
    const request = requestOf(given);
    return decide(policy, { ...request, principal: { ...request.principal, roles } }).allowed;
  };
  for (const given of CASES) {
    for (const other of ROLES) {
      const pair = [given.role, other];
      const isDenied =
        pair.includes('supervisor') && given.action === 'detokenize' && given.field === 'cvv';
      const either = allows(given, [given.role]) || allows(given, [other]);
      assert.equal(allows(given, pair), either && !isDenied, JSON.stringify({ given, other }));
    }
  }
});

test('only roles that the policy names make the vault visible', () => {
  assert.equal(hasRole(policy, ['stranger', 'support']), true);
  for (const roles of [[], ['stranger'], ['constructor', '__proto__'], ['Support'], ['*']]) {
    assert.equal(hasRole(policy, roles), false);
  }
});
