import type { Pool } from 'pg';
import { constantTimeEqual } from '../../../../crypto/digest.ts';
import type { Clock } from '../../../../operations/ports/clock.ts';
import { readTwice } from '../../certainty.ts';
import { FORCE_DURABLE_COMMIT, inTransaction, runStatement, type Session } from '../../session.ts';
import { hasSqlstate, isUnknownOutcome } from '../../sqlstate.ts';
import { type Ground, NOTHING_STANDS, type Standing } from './basis.ts';
import type { Batch } from './batch.ts';
import { groundValues, type StandingRow, standingColumns, toStanding } from './standing.ts';

/** "No partition of relation … found for row" comes as a check violation. */
const NO_PARTITION = '23514';

const MIN_PAUSE_MS = 20;
const MAX_PAUSE_MS = 500;

const INSERT = `
insert into audit_pending
  (day, boot_id, first_seq, log_id, n, leaves, sealed_who, sealed_what, terms, mac)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
on conflict (day, boot_id, first_seq) do nothing
returning n`;
const FIRST_FREE = 11;

/** How a batch is stored, and what becomes of its ground looked at, in one round trip. */
const insertAndLook = (ground: Ground) => `
with stored as (${INSERT})
select exists (select from stored) as is_stored, ${standingColumns(ground, FIRST_FREE)}`;

const READ_MAC = `
select mac from audit_pending where day = $1 and boot_id = $2 and first_seq = $3`;

/**
 * How a batch ended: stored, with what was found of its ground then, or later; or `foreign`: its place holds a
 * row that is not ours, and the writer must start anew.
 */
export type Committed = Standing | 'foreign';

/**
 * Stores one batch. Resolves only when the outcome is certain; rejects only when the batch was
 * certainly not stored, so that its numbers may be used again. While the outcome is unknown it goes on
 * looking, however long that takes: a hole in a writer's numbers would read as a deletion. Rejects
 * with the doubt itself when `signal` aborts (then the process is about to end).
 */
export async function commitBatch(
  deps: { pool: Pool; clock: Clock; signal: AbortSignal },
  batch: Batch,
  ground: Ground,
): Promise<Committed> {
  let doubt: unknown;
  try {
    return (await insertOnce(deps.pool, batch, ground)) ?? 'foreign';
  } catch (error) {
    if (!isUnknownOutcome(error)) {
      throw error;
    }
    doubt = error;
  }
  for (
    let pauseMs = MIN_PAUSE_MS;
    !deps.signal.aborted;
    pauseMs = Math.min(pauseMs * 2, MAX_PAUSE_MS)
  ) {
    const found = await findOrInsert(deps.pool, batch).catch(() => undefined);
    if (found !== undefined) {
      return found === 'stored' ? look(deps.pool, ground) : found;
    }
    await deps.clock.sleep(pauseMs);
  }
  throw doubt;
}

/** Makes partitions for the days around today. Cheap when they are there. */
export async function maintainAudit(pool: Pool): Promise<void> {
  await runStatement(pool, { text: 'select audit_maintain()' });
}

/** Inserts a batch in the caller's transaction. False when there is a row in its place. */
export async function insertBatch(session: Session, batch: Batch): Promise<boolean> {
  return (await session.rows({ text: INSERT, values: insertValues(batch) })).length === 1;
}

/** Resolves to `undefined` when a row with this batch's name was there already. */
async function insertOnce(pool: Pool, batch: Batch, ground: Ground): Promise<Standing | undefined> {
  const insert = {
    name: ground.cached.length === 0 ? 'audit-insert' : 'audit-insert-cached',
    text: insertAndLook(ground),
    values: [...insertValues(batch), ...groundValues(ground)],
  };
  const run = async () => {
    const [row] = await runStatement<StandingRow & { is_stored: boolean }>(pool, insert);
    return row?.is_stored === true ? toStanding(ground, row) : undefined;
  };
  try {
    return await run();
  } catch (error) {
    // Partitions are made a week ahead; a service that ran longer makes its own next ones.
    if (!hasSqlstate(error, NO_PARTITION)) {
      throw error;
    }
    // Whatever maintenance runs into, this much is certain: the batch was not stored.
    await maintainAudit(pool).catch(() => {
      throw error;
    });
    return await run();
  }
}

/**
 * Looks for the batch by its name, compares the MAC, and inserts it when it is missing; in one
 * transaction whose commit is durable behind everything that it saw. `undefined`: the first attempt
 * committed in between, look again.
 */
function findOrInsert(pool: Pool, batch: Batch): Promise<'stored' | 'foreign' | undefined> {
  return inTransaction(pool, async (session: Session) => {
    const [found] = await session.rows<{ mac: Buffer }>({
      text: READ_MAC,
      values: insertValues(batch).slice(0, 3),
    });
    if (found === undefined) {
      return (await insertBatch(session, batch)) ? 'stored' : undefined;
    }
    await session.rows(FORCE_DURABLE_COMMIT);
    return constantTimeEqual(found.mac, batch.mac) ? 'stored' : 'foreign';
  });
}

/**
 * In a statement of its own, which sees what has happened until now. The batch is stored, whatever comes of it:
 * when nobody can look, nothing holds. A token that cannot be read must not hold up the log.
 */
async function look(pool: Pool, ground: Ground): Promise<Standing> {
  const text = `select ${standingColumns(ground, 1)}`;
  const read = (session: Session) =>
    session.rows<StandingRow>({ text, values: groundValues(ground) });
  const [row] = await readTwice(pool, read).catch(() => []);
  return row === undefined ? NOTHING_STANDS : toStanding(ground, row);
}

function insertValues(batch: Batch): unknown[] {
  return [
    batch.day,
    Buffer.from(batch.bootId, 'base64url'),
    batch.firstSeq,
    batch.logId,
    batch.count,
    batch.leaves,
    batch.who,
    batch.what,
    batch.terms,
    batch.mac,
  ];
}
