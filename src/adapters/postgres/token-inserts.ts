import type { Pool } from 'pg';
import type { Clock } from '../../operations/ports/clock.ts';
import type { InsertResult, NewToken } from '../../operations/ports/token-store.ts';
import { untilCertain } from './certainty.ts';
import { inTransaction, type Session, withSession } from './session.ts';
import { lockSubjects } from './subjects.ts';
import { answersOf, claimAnswers, releaseAnswers } from './token-answers.ts';
import { explainRows, type Facts } from './token-explain.ts';
import { nameOf, toStoredToken } from './token-rows.ts';
import {
  type Attempt,
  freeDeadFingerprint,
  lockOrder,
  removeEnded,
  storeOrExplain,
  untilSettled,
} from './token-writes.ts';
import { writeRows } from './write-rows.ts';

const DONE: InsertResult = { kind: 'inserted' };

/** Stores rows in a session: those that it stored. */
type Store = (session: Session, rows: readonly NewToken[]) => Promise<Set<NewToken>>;

/** Stores new tokens with their links: one result per row, in order. See `TokenStore.insert`. */
export async function insertTokens(
  deps: { pool: Pool; clock: Clock },
  rows: readonly NewToken[],
): Promise<InsertResult[]> {
  const sorted = rows.toSorted(lockOrder);
  const isPlain = !sorted.some(needsTransaction);
  const store: Store = isPlain ? writeRows : storeWithAnswers;
  const first = (session: Session) =>
    storeOrExplain<NewToken, InsertResult>(session, sorted, {
      store: (within, all) => store(within, firstsOf(all)),
      explain,
      done: DONE,
    });
  const attempts = await untilCertain(deps, {
    first: () => (isPlain ? withSession(deps.pool, first) : inTransaction(deps.pool, first)),
    again: (session) => explain(session, sorted),
  });
  if (attempts.every((attempt) => attempt === DONE)) return rows.map(() => DONE);
  const results = new Map<NewToken, InsertResult>();
  for (const [index, row] of sorted.entries()) {
    // The slow way: a dead row holds the fingerprint, or the first attempt left no trace.
    const settled =
      attempts[index] ?? (await untilSettled(deps, (session) => replace(session, row)));
    results.set(row, settled);
  }
  return rows.map((row) => results.get(row) as InsertResult);
}

/** One statement does for all others. */
function needsTransaction({ small, idempotency }: NewToken): boolean {
  return small !== undefined || idempotency !== undefined;
}

/** Of rows that share a token the first. */
function firstsOf(rows: readonly NewToken[]): readonly NewToken[] {
  // No text twice: the rule, and the vaults need not be looked at.
  if (new Set(rows.map(({ token }) => token)).size === rows.length) return rows;
  const seen = new Set<string>();
  return rows.filter((row) => !seen.has(nameOf(row)) && seen.add(nameOf(row)));
}

/**
 * Stores rows with what makes them repeatable, all of a row or nothing, and none whose string was ended
 * while this waited for it. Locks are taken in one order everywhere: persons, answers, tokens.
 */
async function storeWithAnswers(
  session: Session,
  rows: readonly NewToken[],
  before: () => Promise<void> = async () => {},
): Promise<Set<NewToken>> {
  await lockSubjects(session, rows);
  const claimed = await claimAnswers(session, rows);
  await before();
  const stored = await writeRows(session, claimed);
  for (const ended of await removeEnded(session, [...stored])) {
    stored.delete(ended);
  }
  await releaseAnswers(
    session,
    claimed.filter((row) => !stored.has(row)),
  );
  return stored;
}

/** One row, from whose fingerprint a dead row is parted first. */
async function replace(session: Session, row: NewToken): Promise<Attempt<InsertResult>> {
  const [explained] = await explain(session, [row]);
  if (explained !== undefined) {
    return explained;
  }
  const { fingerprint } = row;
  const stored = await storeWithAnswers(session, [row], async () => {
    if (fingerprint !== undefined) await freeDeadFingerprint(session, { ...row, fingerprint });
  });
  return stored.has(row) ? DONE : undefined;
}

/** Says of each row what stands in its place now, if anything. */
async function explain(
  session: Session,
  rows: readonly NewToken[],
): Promise<Attempt<InsertResult>[]> {
  const answers = await answersOf(session, rows);
  const facts = await explainRows(
    session,
    rows.map(({ fingerprint, ...row }) =>
      fingerprint === undefined ? row : { ...row, holder: { shard: row.shard, fingerprint } },
    ),
  );
  return rows.map((row, index) => {
    const answer = answers.get(row);
    if (answer === undefined) {
      return explanation(row, facts[index] as Facts);
    }
    // As with the sealed bytes of a row: the same sealed answer can only be our own, and then the row
    // was stored with it, whatever became of it since.
    const isOurs = row.idempotency?.answer.equals(answer.answer) === true;
    return isOurs ? DONE : { kind: 'replayed', answer };
  });
}

function explanation(row: NewToken, facts: Facts): Attempt<InsertResult> {
  // The same sealed bytes (a random nonce is in them) can only be our own, of an earlier attempt.
  if (facts.stored) {
    return DONE;
  }
  if (row.fingerprint !== undefined && facts.live) {
    return { kind: 'known', row: toStoredToken(facts) };
  }
  if (facts.used) {
    return { kind: 'taken' };
  }
  return facts.gone ? { kind: 'subject_gone' } : undefined;
}
