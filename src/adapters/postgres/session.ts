import type { Pool, PoolClient, QueryResultRow } from 'pg';
import { doubtfulCommit, isUnknownOutcome, toVaultError } from './sqlstate.ts';

/**
 * One statement. With a `name` it is prepared once per connection. `query_timeout` (in milliseconds) is the
 * driver's patience, where the pool's is too short; the server's own is another setting.
 */
export type Statement = { name?: string; text: string; values?: unknown[]; query_timeout?: number };

/** One connection, for the time of one piece of work. */
export type Session = {
  /** Runs one statement and returns its rows. Rejects with a `VaultError` free of data. */
  rows<Row extends QueryResultRow>(statement: Statement): Promise<Row[]>;
};

/**
 * Lends a connection to `work`. Rejects with a `VaultError`; `isUnknownOutcome` tells whether a write
 * may have happened nevertheless.
 *
 * A warning of the server makes the whole session doubtful: when a wait for the synchronous standby is
 * cancelled, the server reports success and says only by notice 01000 that the commit may be lost.
 */
export async function withSession<T>(
  pool: Pool,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const client = await pool.connect().catch((error: unknown) => {
    throw toVaultError(error, 'connect');
  });
  const watch = watchClient(client);
  try {
    const result = await work({
      rows: async <Row extends QueryResultRow>(statement: Statement) => {
        const { rows } = await client.query<Row>(statement);
        return rows;
      },
    });
    if (watch.warned()) {
      throw doubtfulCommit();
    }
    watch.release(true);
    return result;
  } catch (error) {
    const failure = toVaultError(error);
    // A statement that the server refused for its data leaves the connection as good as before; after
    // anything else (time-outs, read-only after a fail-over, network) a new connection is the safe one.
    watch.release(failure.code === 'internal' && !isUnknownOutcome(failure));
    throw failure;
  }
}

/** Runs one statement as a transaction of its own. */
export function runStatement<Row extends QueryResultRow>(
  pool: Pool,
  statement: Statement,
): Promise<Row[]> {
  return withSession(pool, (session) => session.rows<Row>(statement));
}

/** Runs `work` as one transaction: it is committed when the result resolves. */
export function inTransaction<T>(pool: Pool, work: (session: Session) => Promise<T>): Promise<T> {
  return withSession(pool, async (session) => {
    await session.rows({ text: 'begin' });
    try {
      const result = await work(session);
      await session.rows({ text: 'commit' });
      return result;
    } catch (error) {
      // A connection in doubt is thrown away, and the server rolls back by itself: a rollback sent on it
      // would wait behind the statement that did not answer.
      if (!isUnknownOutcome(toVaultError(error))) {
        await session.rows({ text: 'rollback' });
      }
      throw error;
    }
  });
}

/**
 * Makes what this transaction can see as durable as its own commit: that commit writes and awaits a
 * log record behind all of it. A plain look is no proof: it also shows rows whose own commit has not
 * yet reached the standby.
 */
export const FORCE_DURABLE_COMMIT: Statement = {
  text: `select pg_logical_emit_message(true, 'counterfoil.confirm', '')`,
};

function watchClient(client: PoolClient) {
  let warned = false;
  const onNotice = (notice: { code?: string | undefined }) => {
    // 01000: cancelled wait for a standby; 57P01: the same because the server shuts down.
    warned ||= notice.code === '01000' || notice.code === '57P01';
  };
  // A connection that dies between two statements emits an error of its own; the next statement
  // reports it. Without a listener, Node would end the process.
  const onError = () => {};
  client.on('notice', onNotice);
  client.on('error', onError);
  return {
    warned: () => warned,
    release: (healthy: boolean) => {
      client.off('notice', onNotice);
      // A destroyed connection may still emit errors: its listener stays.
      if (healthy) {
        client.off('error', onError);
      }
      client.release(!healthy);
    },
  };
}
