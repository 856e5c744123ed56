import assert from 'node:assert/strict';
import { it } from 'node:test';
import { DatabaseError } from 'pg';
import { VaultError } from '../../domain/errors.ts';
import { hasSqlstate, isRowFault, isUnknownOutcome, sqlstateOf, toVaultError } from './sqlstate.ts';

function serverError(code: string): DatabaseError {
  const error = new DatabaseError('duplicate key: 4111111111111111', 10, 'error');
  error.code = code;
  error.detail = 'Key (token)=(4111111111111111) already exists.';
  error.where = 'parameter $1 = 4111111111111111';
  return error;
}

const CERTAIN = ['23505', '22021', '42501', '57014', '55P03', '53100', '25006', '40001', '40P01'];
const UNKNOWN = ['57P01', '57P02', '57P03', '08006', '08003', '40003', 'XX000', '58030'];

for (const sqlstate of CERTAIN) {
  it(`${sqlstate} means that nothing was stored`, () => {
    assert.equal(isUnknownOutcome(toVaultError(serverError(sqlstate))), false);
  });
}

for (const sqlstate of UNKNOWN) {
  it(`${sqlstate} leaves the outcome unknown`, () => {
    assert.equal(isUnknownOutcome(toVaultError(serverError(sqlstate))), true);
  });
}

it('a lost connection and a client-side time-out leave the outcome unknown', () => {
  for (const text of ['Connection terminated unexpectedly', 'Query read timeout']) {
    const failure = toVaultError(new Error(text));
    assert.equal(failure.code, 'store_unavailable');
    assert.equal(isUnknownOutcome(failure), true);
  }
});

it('a connection that was never made has stored nothing', () => {
  assert.equal(isUnknownOutcome(toVaultError(new Error('connect ECONNREFUSED'), 'connect')), false);
  assert.equal(isUnknownOutcome(toVaultError(serverError('57P03'), 'connect')), false);
});

it('keeps the SQLSTATE and nothing else of what the driver said', () => {
  const failure = toVaultError(serverError('23505'));
  let shown = '';
  for (let each: unknown = failure; each instanceof Error; each = each.cause) {
    shown += `${each.stack}${JSON.stringify(Object.entries(each))}`;
  }
  assert.match(shown, /23505/);
  assert.doesNotMatch(shown, /4111|token\)/);
});

it('knows the failure behind the error of its own that each caller of a batch gets', () => {
  const shared = toVaultError(serverError('40P01'));
  const own = new VaultError(shared.code, { cause: shared });
  assert.ok(isRowFault(own) && hasSqlstate(own, '40P01'));
  assert.equal(sqlstateOf(own), '40P01');
});

it('blames a single row for bad data, broken constraints and lost races only', () => {
  assert.ok(
    ['22021', '23514', '40P01', '40001'].every((s) => isRowFault(toVaultError(serverError(s)))),
  );
  assert.ok(
    !['57014', '42501', '53100', '08006'].some((s) => isRowFault(toVaultError(serverError(s)))),
  );
});

it('leaves an error that was translated already as it is', () => {
  const failure = new VaultError('overloaded');
  assert.equal(toVaultError(failure), failure);
});
