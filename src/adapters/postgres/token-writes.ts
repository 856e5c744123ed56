import type { Pool } from 'pg';
import { VaultError } from '../../domain/errors.ts';
import type { Clock } from '../../operations/ports/clock.ts';
import type { FingerprintKey, NewToken } from '../../operations/ports/token-store.ts';
import { byteas } from './binary-arrays.ts';
import { untilCertain } from './certainty.ts';
import { inTransaction, type Session } from './session.ts';
import { fingerprintColumns, keyArrays, nameOf, TOKEN_IS_LIVE } from './token-rows.ts';

/** `undefined`: this attempt could not store the row, and nobody else's row explains it. */
export type Attempt<Result> = Result | undefined;

// By place in the table: these rows are this transaction's own, and nobody can move them. (Were `token` ever
// partitioned, a place would have to name its partition, too.)
const REMOVE_ENDED = `
delete from token t
where t.ctid = any (array(
  select mine.ctid
  from unnest($1::smallint[], $2::int[], $3::text[], $4::bytea[])
    as i (shard, vault_id, token, tombstone)
  cross join lateral (
    select o.ctid from token o
    where o.shard = i.shard and o.vault_id = i.vault_id and o.token = i.token
    offset 0
  ) mine
  where (
      select r.shard from revocation r
      where r.shard = i.shard and r.vault_id = i.vault_id and r.token = i.token) is not null
    or (
      select x.shard from tombstone x
      where x.shard = i.shard and x.vault_id = i.vault_id and x.digest = i.tombstone) is not null
))
returning t.vault_id, t.token`;

const FREE_DEAD_FINGERPRINT = `
update token h set fp_even = null, fp_odd = null
where h.shard = $1 and h.vault_id = $2 and h.field_id = $3 and (h.fp_even = $4 or h.fp_odd = $5)
  and exists (
    select from token t
    where t.shard = coalesce(h.target_shard, h.shard) and t.vault_id = h.vault_id
      and t.token = coalesce(h.target_token, h.token) and not ${TOKEN_IS_LIVE})`;

/**
 * One order for all writers of all processes, by what they can collide on: two that wait for each
 * other's uncommitted fingerprints would be a deadlock. (Two batches can still meet crosswise on drawn
 * strings of a small format. That takes two such chances in one shard; the server ends one of them, and
 * it is tried again in halves.)
 */
export function lockOrder(a: NewToken, b: NewToken): number {
  return (
    a.shard - b.shard ||
    Buffer.compare(
      a.fingerprint?.digest ?? Buffer.alloc(0),
      b.fingerprint?.digest ?? Buffer.alloc(0),
    ) ||
    (a.token < b.token ? -1 : Number(a.token > b.token))
  );
}

/**
 * Takes back rows of this transaction whose strings were ended while the write waited for them: the
 * trace of that is newer than the write's snapshot, and it must win. Returns them.
 */
export async function removeEnded<Row extends NewToken>(
  session: Session,
  rows: readonly Row[],
): Promise<Row[]> {
  if (rows.length === 0) return [];
  const removed = await session.rows<{ vault_id: number; token: string }>({
    name: 'token-remove-ended',
    text: REMOVE_ENDED,
    values: [...keyArrays(rows), byteas(rows.map(({ small }) => small?.tombstone))],
  });
  const names = new Set(removed.map((row) => nameOf({ vaultId: row.vault_id, token: row.token })));
  return rows.filter((row) => names.has(nameOf(row)));
}

/** Parts a fingerprint from the dead token that still holds it. */
export async function freeDeadFingerprint(session: Session, key: FingerprintKey): Promise<void> {
  const { even, odd } = fingerprintColumns(key.fingerprint);
  await session.rows({
    text: FREE_DEAD_FINGERPRINT,
    values: [key.shard, key.vaultId, key.fieldId, even, odd],
  });
}

/**
 * Stores what can be stored, and says of each other row what stands in its place; one result per row, in
 * order. `store` gives back the rows that it stored, and of twins in one batch stores the first: the
 * others are explained like any loser.
 */
export async function storeOrExplain<Row, Result>(
  session: Session,
  rows: readonly Row[],
  how: {
    store: (session: Session, rows: readonly Row[]) => Promise<Set<Row>>;
    explain: (session: Session, rows: readonly Row[]) => Promise<Attempt<Result>[]>;
    /** The result of a row that was stored. */
    done: Result;
  },
): Promise<Attempt<Result>[]> {
  const stored = await how.store(session, rows);
  if (stored.size === rows.length) return rows.map(() => how.done);
  const losers = rows.filter((row) => !stored.has(row));
  // A new statement: the snapshot of the write is older than the rows that won against it.
  const explained = await how.explain(session, losers);
  const results = new Map(losers.map((row, index) => [row, explained[index]]));
  return rows.map((row) => (stored.has(row) ? how.done : results.get(row)));
}

const MAX_ATTEMPTS = 8;

/**
 * Tries one row in a transaction of its own until it has a result: it holds several locks, and alone it
 * cannot be part of a deadlock.
 * @throws VaultError `store_unavailable` after so many lost races
 */
export async function untilSettled<Result>(
  deps: { pool: Pool; clock: Clock },
  attempt: (session: Session) => Promise<Attempt<Result>>,
): Promise<Result> {
  for (let attempts = 0; attempts < MAX_ATTEMPTS; attempts += 1) {
    const result = await untilCertain(deps, {
      first: () => inTransaction(deps.pool, attempt),
      again: attempt,
    });
    if (result !== undefined) {
      return result;
    }
  }
  throw new VaultError('store_unavailable', { detail: 'lost every race for one fingerprint' });
}
