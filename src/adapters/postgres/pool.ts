import { Pool } from 'pg';

/** How long a request may wait for Postgres, in every way it can hang (DESIGN §8). */
const TIMEOUTS = {
  /** For a free or a new connection. The driver's own default is to wait for ever. */
  connectionTimeoutMillis: 1_000,
  // The server gives up first, so that its answer is an error of known outcome. The driver's limit is
  // for a server that does not answer at all: statement_timeout does not bound the wait for a
  // synchronous standby, nor a paused process.
  statement_timeout: 2_000,
  query_timeout: 3_000,
  lock_timeout: 500,
  idle_in_transaction_session_timeout: 5_000,
} as const;

/**
 * Plans are made once per connection, and a table that has a hundred rows then can have a million a minute
 * later, before anybody tells the planner: what was cheapest for a hundred, reading them all, must not be a
 * choice. One plan for batches of all sizes, too.
 */
const BY_KEY = `set enable_seqscan = off; set plan_cache_mode = force_generic_plan`;

/**
 * Makes a pool of connections for requests. Nothing is connected yet. Use it through `withSession`,
 * which keeps broken connections out of it.
 *
 * @param options.max connections at most
 * @param options.name shown in `pg_stat_activity`
 * @param options.byKey for statements that find rows by their keys: no plan reads a table through
 */
export function makePool(options: {
  connectionString: string;
  max: number;
  name: string;
  byKey?: boolean;
}): Pool {
  const pool = new Pool({
    connectionString: options.connectionString,
    max: options.max,
    application_name: options.name,
    ...TIMEOUTS,
    keepAlive: true,
    // Connections age out, so that a fail-over or a rotated credential takes effect by itself.
    maxLifetimeSeconds: 300,
    // Pipelined statements would share one fate, and one notice could not be laid at one commit's door.
    pipeline: false,
    onConnect: async (client) => {
      // By SET, not as a start-up option: the configured value stays visible as reset_val, and
      // `checkDurability` refuses a database that would not keep its word to other clients.
      await client.query('set synchronous_commit = on');
      if (options.byKey === true) await client.query(BY_KEY);
    },
  });
  // An idle connection that dies is taken out by the pool itself; without a listener, Node would end
  // the process.
  pool.on('error', () => {});
  return pool;
}
