import type { Pool } from 'pg';
import type { RandomBytes } from '../../crypto/random.ts';
import type { Clock } from '../../operations/ports/clock.ts';
import type { TokenStore } from '../../operations/ports/token-store.ts';
import { readTwice } from './certainty.ts';
import { type CoalescerOptions, makeCoalescer } from './coalesce.ts';
import { isRowFault } from './sqlstate.ts';
import { ensureSubjects, findTokensOfSubject, linkTokens } from './subjects.ts';
import { findAnswers } from './token-answers.ts';
import { revokeTokens } from './token-endings.ts';
import { importTokens } from './token-import.ts';
import { insertTokens } from './token-inserts.ts';
import { findTokens, findTokensByFingerprint } from './token-reads.ts';
import { takeReveals } from './token-reveals.ts';

/** Calls of one kind that may wait for a statement: some twenty full batches. */
const MAX_QUEUED = 10_000;
const MAX_WAIT_MS = 2_000;
/**
 * For writes. With 64 callers, statements of 29 rows instead of 18 took a fifth less of the server's time for
 * each row, and as much less of ours. A thousand values at once still go on two connections, and who waits
 * longer than commits usually take goes on by another one.
 */
const GATHER = { items: 128, ms: 20 };

/**
 * The encrypted mapping in Postgres. Concurrent calls of one method share statements; a batch that
 * fails for the data of one row is tried in halves, so that no caller pays for another's row.
 *
 * @param deps.coalesced is told of each shared statement, for metrics
 */
export function makeTokenStore(deps: {
  pool: Pool;
  clock: Clock;
  random: RandomBytes;
  coalesced?: (batch: { kind: string; items: number }) => void;
}): TokenStore {
  const { pool, clock } = deps;
  const share = <Item, Result>(
    kind: string,
    run: (items: readonly Item[]) => Promise<readonly Result[]>,
    how: Pick<CoalescerOptions<Item, Result>, 'gather'> = {},
  ) =>
    makeCoalescer<Item, Result>({
      run: (items) => {
        deps.coalesced?.({ kind, items: items.length });
        return run(items);
      },
      maxQueued: MAX_QUEUED,
      maxWaitMs: MAX_WAIT_MS,
      clock,
      isItemFault: isRowFault,
      ...how,
    });
  const shareWrites: typeof share = (kind, run) => share(kind, run, { gather: GATHER });

  return {
    find: share('find', (keys) => readTwice(pool, (session) => findTokens(session, keys))),
    findByFingerprint: share('find_by_fingerprint', (keys) =>
      readTwice(pool, (session) => findTokensByFingerprint(session, keys)),
    ),
    insert: shareWrites('insert', (rows) => insertTokens(deps, rows)),
    import: shareWrites('import', (rows) => importTokens(deps, rows)),
    findAnswer: share('find_answer', (calls) =>
      readTwice(pool, (session) => findAnswers(session, calls)),
    ),
    takeReveal: shareWrites('take_reveal', (keys) => takeReveals(deps, keys)),
    link: shareWrites('link', (links) => linkTokens(deps, links)),
    revoke: shareWrites('revoke', (keys) => revokeTokens(deps, keys)),
    ensureSubject: shareWrites('ensure_subject', (subjects) => ensureSubjects(deps, subjects)),
    // Not shared: auditors ask this, and seldom.
    findOfSubject: (subject) => findTokensOfSubject(pool, subject),
  };
}
