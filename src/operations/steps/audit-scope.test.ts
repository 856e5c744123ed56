import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callAs, makeTestOperations } from '../../../test/helpers/operations.ts';
import { VaultError } from '../../domain/errors.ts';
import { auditScope, auditScopeOf, checkReadsEverything, isInScope } from './audit-scope.ts';

/** A vault in which `auditor` may read, `helper` has another role, and `muted` is denied what it is given. */
const policyOf = (vault: string) => `apiVersion: counterfoil/v1
vault: ${vault}
purposes: [p]
fields:
  name: { class: direct, type: text, token: { mode: random } }
roles:
  auditor${vault === 'beta' ? '' : '-alpha'}:
    - allow: [audit.read]
  both:
    - allow: [audit.read]
  helper:
    - allow: [policy.read]
  muted:
    - allow: [audit.read]
    - deny: [audit.read]
`;

const { deps } = makeTestOperations(policyOf('alpha'), [policyOf('beta')]);

function callerOf(roles: string[], vaults: readonly string[] | '*' = '*') {
  const { vault: _, ...caller } = callAs('x', { roles, vaults });
  return caller;
}

function codeOf(work: () => unknown): string {
  try {
    work();
    return 'ok';
  } catch (error) {
    return error instanceof VaultError ? error.code : 'another error';
  }
}

// Roles, vaults of the credential, readable vaults, and what naming each vault gives.
const CASES: [string[], readonly string[] | '*', string[], { alpha: string; beta: string }][] = [
  [['both'], '*', ['alpha', 'beta'], { alpha: 'ok', beta: 'ok' }],
  [['both'], ['alpha', 'beta'], ['alpha', 'beta'], { alpha: 'ok', beta: 'ok' }],
  [['both'], ['alpha'], ['alpha'], { alpha: 'ok', beta: 'vault_not_found' }],
  [['both'], ['alpha', 'gamma'], ['alpha'], { alpha: 'ok', beta: 'vault_not_found' }],
  [['both'], [], [], { alpha: 'vault_not_found', beta: 'vault_not_found' }],
  [['auditor'], '*', ['beta'], { alpha: 'vault_not_found', beta: 'ok' }],
  [['auditor-alpha'], '*', ['alpha'], { alpha: 'ok', beta: 'vault_not_found' }],
  [['auditor', 'auditor-alpha'], '*', ['alpha', 'beta'], { alpha: 'ok', beta: 'ok' }],
  [['auditor', 'helper'], '*', ['beta'], { alpha: 'forbidden', beta: 'ok' }],
  [['auditor'], ['alpha'], [], { alpha: 'vault_not_found', beta: 'vault_not_found' }],
  [['helper'], '*', [], { alpha: 'forbidden', beta: 'forbidden' }],
  [['helper'], ['alpha'], [], { alpha: 'forbidden', beta: 'vault_not_found' }],
  [['muted'], '*', [], { alpha: 'forbidden', beta: 'forbidden' }],
  [['both', 'muted'], '*', [], { alpha: 'forbidden', beta: 'forbidden' }],
  [['nobody'], '*', [], { alpha: 'vault_not_found', beta: 'vault_not_found' }],
  [[], '*', [], { alpha: 'vault_not_found', beta: 'vault_not_found' }],
];

for (const [roles, vaults, readable, named] of CASES) {
  test(`roles [${roles}] in vaults [${vaults}] read [${readable}]`, () => {
    const caller = callerOf(roles, vaults);
    if (readable.length === 0) {
      assert.equal(
        codeOf(() => auditScope(deps, caller)),
        'forbidden',
      );
    } else {
      const scope = auditScope(deps, caller);
      assert.deepEqual(
        scope.vaults.map(({ name }) => name),
        readable,
      );
      assert.equal(scope.everything, readable.length === 2);
      assert.equal(isInScope(scope, undefined), readable.length === 2);
      assert.equal(isInScope(scope, 'alpha'), readable.includes('alpha'));
      // A vault that is gone: its events are left to those who read everything.
      assert.equal(isInScope(scope, 'gone'), readable.length === 2);
    }
    const everything = codeOf(() => checkReadsEverything(deps, caller));
    assert.equal(everything, readable.length === 2 ? 'ok' : 'forbidden');
    assert.equal(
      codeOf(() => auditScopeOf(deps, caller, 'alpha')),
      named.alpha,
    );
    assert.equal(
      codeOf(() => auditScopeOf(deps, caller, 'beta')),
      named.beta,
    );
  });
}

test('a vault that does not exist is the same as one in which the caller is nobody', () => {
  for (const name of ['gone', '_system', '', '__proto__']) {
    const code = codeOf(() => auditScopeOf(deps, callerOf(['both']), name));
    assert.equal(code, 'vault_not_found');
  }
});

test('a scope of one vault is that vault, and nothing that belongs to none', () => {
  const scope = auditScopeOf(deps, callerOf(['both']), 'beta');
  assert.equal(isInScope(scope, 'beta'), true);
  assert.equal(isInScope(scope, 'alpha'), false);
  assert.equal(isInScope(scope, undefined), false);
});

test('where there is no vault, nobody reads everything', () => {
  const none = { ...deps, vaults: { ...deps.vaults, find: () => undefined, all: () => [] } };
  assert.equal(
    codeOf(() => auditScope(none, callerOf(['both']))),
    'forbidden',
  );
});
