import { DatabaseError } from 'pg';
import { type ErrorCode, VaultError } from '../../domain/errors.ts';

/** `failed`: nothing was stored. `unknown`: the statement may have committed, or may still commit. */
type Outcome = 'failed' | 'unknown';

/**
 * What is kept of a driver's error. Its message, detail, where, parameters and query text are dropped:
 * each of them can hold a value or a token (`invalid input syntax …: "<value>"`).
 */
class DatabaseFailure extends Error {
  override readonly name = 'DatabaseFailure';
  /** Five characters of the standard, or `none` when the error came from the driver or the network. */
  readonly code: string;
  readonly outcome: Outcome;

  constructor(sqlstate: string, outcome: Outcome) {
    super(`database: sqlstate ${sqlstate}, outcome ${outcome}`);
    this.code = sqlstate;
    this.outcome = outcome;
  }
}

const NO_SQLSTATE = 'none';

/** SQLSTATE classes after which the server may or may not have committed (PostgreSQL, appendix A). */
const UNKNOWN_OUTCOME = /^(08|57P0|58|XX|40003)/;

/** The statement itself, or its data, is at fault: sending it again gives the same answer. */
const OUR_FAULT = /^(21|22|23|42)/;

/** Mistakes of configuration that an operator repairs while we run: not bugs, whatever their class. */
const OPERATORS_FAULT = /^42501/;

/** Faults that one row of a batch can bring upon its neighbours; the last is a lock that it waits for in vain. */
const ROW_FAULT = /^(22|23|40001|40P01|55P03)/;

/**
 * Translates any error of the driver into a `VaultError` whose cause is free of data. A `VaultError`
 * comes back as it is. Errors before anything was sent (`phase: 'connect'`) have a certain outcome.
 */
export function toVaultError(
  error: unknown,
  phase: 'connect' | 'statement' = 'statement',
): VaultError {
  if (error instanceof VaultError) {
    return error;
  }
  const sqlstate = sqlstateOf(error);
  const certain =
    phase === 'connect' || (sqlstate !== NO_SQLSTATE && !UNKNOWN_OUTCOME.test(sqlstate));
  const bug = OUR_FAULT.test(sqlstate) && !OPERATORS_FAULT.test(sqlstate);
  const code: ErrorCode = bug ? 'internal' : 'store_unavailable';
  return new VaultError(code, {
    cause: new DatabaseFailure(sqlstate, certain ? 'failed' : 'unknown'),
  });
}

/** A commit that the server warned about: it happened, but perhaps not as durably as asked for. */
export function doubtfulCommit(): VaultError {
  return new VaultError('store_unavailable', { cause: new DatabaseFailure('01000', 'unknown') });
}

/** True when the work may have been committed although it failed: look before you repeat or give up. */
export function isUnknownOutcome(error: unknown): boolean {
  return failureOf(error)?.outcome === 'unknown';
}

/** True when a batch failed for something that a single row of it can be guilty of. */
export function isRowFault(error: unknown): boolean {
  return ROW_FAULT.test(failureOf(error)?.code ?? '');
}

/** True when the failure was exactly this SQLSTATE. */
export function hasSqlstate(error: unknown, sqlstate: string): boolean {
  return failureOf(error)?.code === sqlstate;
}

/** The SQLSTATE, for messages to operators; `none` when the error is not the server's. */
export function sqlstateOf(error: unknown): string {
  if (error instanceof DatabaseError) {
    return error.code ?? NO_SQLSTATE;
  }
  return failureOf(error)?.code ?? NO_SQLSTATE;
}

/** Looks through the wrappers that give each caller of a shared statement an error of its own. */
function failureOf(error: unknown): DatabaseFailure | undefined {
  if (!(error instanceof VaultError)) {
    return undefined;
  }
  return error.cause instanceof DatabaseFailure ? error.cause : failureOf(error.cause);
}
