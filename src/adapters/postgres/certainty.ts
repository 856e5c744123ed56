import type { Pool } from 'pg';
import type { Clock } from '../../operations/ports/clock.ts';
import { FORCE_DURABLE_COMMIT, inTransaction, type Session, withSession } from './session.ts';
import { isUnknownOutcome } from './sqlstate.ts';

/** How long a write of unknown outcome is looked into before its caller hears `store_unavailable`. */
const RESOLVE_WITHIN_MS = 3_000;
const PAUSE_MS = 50;
/** A connection that fails a read later than this did not break: the server does not answer. */
const BROKEN_WITHIN_MS = 1_000;

/**
 * Runs a write and makes sure of its outcome. `first` is the write as usual. When that ends in doubt
 * (connection lost at COMMIT, no answer in time, a warning about durability), `again` runs on another
 * connection, in a transaction whose commit makes everything that it saw durable: it must do what is
 * still missing, and give the same result whether or not the first attempt took effect.
 *
 * Rejects with the failure when nothing was stored, or with the doubt itself when it could not be
 * resolved in time; then the caller must not report success.
 */
export async function untilCertain<T>(
  deps: { pool: Pool; clock: Clock },
  write: { first: () => Promise<T>; again: (session: Session) => Promise<T> },
): Promise<T> {
  const { pool, clock } = deps;
  const giveUpAtMs = clock.monotonic() + RESOLVE_WITHIN_MS;
  let doubt: unknown;
  try {
    return await write.first();
  } catch (error) {
    if (!isUnknownOutcome(error)) {
      throw error;
    }
    doubt = error;
  }
  // Any failure of a second look leaves the doubt about the first attempt: only success ends it.
  while (clock.monotonic() < giveUpAtMs) {
    try {
      return await inTransaction(pool, async (session) => {
        const result = await write.again(session);
        await session.rows(FORCE_DURABLE_COMMIT);
        return result;
      });
    } catch {
      await clock.sleep(PAUSE_MS);
    }
  }
  throw doubt;
}

/**
 * Runs a read; once more on another connection when the first one broke. Not after a time-out: a server
 * that does not answer would make the caller wait twice.
 */
export async function readTwice<T>(pool: Pool, read: (session: Session) => Promise<T>): Promise<T> {
  const startedMs = performance.now();
  try {
    return await withSession(pool, read);
  } catch (error) {
    const isBroken = performance.now() - startedMs < BROKEN_WITHIN_MS;
    if (!isUnknownOutcome(error) || !isBroken) {
      throw error;
    }
    return withSession(pool, read);
  }
}
