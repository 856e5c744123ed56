import type { Pool } from 'pg';
import { VaultError } from '../../domain/errors.ts';
import type { Clock } from '../../operations/ports/clock.ts';
import type { InsertResult, NewToken } from '../../operations/ports/token-store.ts';
import { untilCertain } from './certainty.ts';
import { inTransaction, type Session, withSession } from './session.ts';
import {
  fingerprintColumns,
  TOKEN_COLUMNS,
  TOKEN_IS_LIVE,
  type TokenRow,
  toStoredToken,
} from './token-rows.ts';

/** `undefined`: this attempt could not store the row, and nobody else's row explains it. */
type Attempt = InsertResult | undefined;

const INPUT = `
input as (
  select * from unnest($1::smallint[], $2::int[], $3::text[], $4::smallint[], $5::bytea[],
      $6::bytea[], $7::bytea[], $8::bytea[], $9::timestamptz[], $10::bigint[], $11::bool[])
    with ordinality as i (shard, vault_id, token, field_id, fp_even, fp_odd, sealed, metadata,
      expires_at, subject_id, sealed_for_subject, ord)
)`;

// The order is the caller's (`lockOrder`), spelled out because the planner is free to change it.
const INSERT = `
with ${INPUT}, stored as (
  insert into token (shard, vault_id, token, field_id, fp_even, fp_odd, sealed, metadata, expires_at,
    subject_id)
  select i.shard, i.vault_id, i.token, i.field_id, i.fp_even, i.fp_odd, i.sealed, i.metadata,
    i.expires_at, case when i.sealed_for_subject then i.subject_id end
  from input i
  where not exists (
    select from revocation r
    where r.shard = i.shard and r.vault_id = i.vault_id and r.token = i.token)
  order by i.ord
  on conflict do nothing
  returning shard, vault_id, token
), linked as (
  insert into token_subject (shard, vault_id, token, subject_id)
  select i.shard, i.vault_id, i.token, i.subject_id
  from input i join stored using (shard, vault_id, token)
  where i.subject_id is not null
)
select i.ord::int from input i join stored using (shard, vault_id, token)`;

const EXPLAIN = `
with ${INPUT}
select i.ord::int, mine.sealed is not null and mine.sealed = i.sealed as stored,
  mine.sealed is not null or r.token is not null as used, t.token is not null and ${TOKEN_IS_LIVE} as live,
  ${TOKEN_COLUMNS}
from input i
left join token mine
  on mine.shard = i.shard and mine.vault_id = i.vault_id and mine.token = i.token
left join revocation r on r.shard = i.shard and r.vault_id = i.vault_id and r.token = i.token
left join lateral (
  select * from token o where o.shard = i.shard and o.vault_id = i.vault_id
    and o.field_id = i.field_id and o.fp_even = i.fp_even
  union all
  select * from token o where o.shard = i.shard and o.vault_id = i.vault_id
    and o.field_id = i.field_id and o.fp_odd = i.fp_odd
) t on true
left join subject s on s.vault_id = t.vault_id and s.id = t.subject_id`;

const FREE_DEAD_FINGERPRINT = `
update token t set fp_even = null, fp_odd = null
where t.shard = $1 and t.vault_id = $2 and t.field_id = $3 and (t.fp_even = $4 or t.fp_odd = $5)
  and not ${TOKEN_IS_LIVE}`;

const UNDO_IF_REVOKED = `
delete from token t using revocation r
where t.shard = $1 and t.vault_id = $2 and t.token = $3
  and r.shard = t.shard and r.vault_id = t.vault_id and r.token = t.token
returning t.token`;

/** Stores new tokens with their links: one result per row, in order. See `TokenStore.insert`. */
export async function insertTokens(
  deps: { pool: Pool; clock: Clock },
  rows: readonly NewToken[],
): Promise<InsertResult[]> {
  const results = new Map<NewToken, InsertResult>();
  const sorted = rows.toSorted(lockOrder);
  const attempts = await untilCertain(deps, {
    first: () => withSession(deps.pool, (session) => insertOrExplain(session, sorted)),
    again: (session) => explain(session, sorted),
  });
  for (const [index, row] of sorted.entries()) {
    results.set(row, attempts[index] ?? (await insertAlone(deps, row)));
  }
  return rows.map((row) => results.get(row) as InsertResult);
}

/**
 * One order for all inserters of all processes, by what they can collide on: two that wait for each
 * other's uncommitted fingerprints would be a deadlock.
 */
function lockOrder(a: NewToken, b: NewToken): number {
  return (
    a.shard - b.shard ||
    Buffer.compare(
      a.fingerprint?.digest ?? Buffer.alloc(0),
      b.fingerprint?.digest ?? Buffer.alloc(0),
    ) ||
    (a.token < b.token ? -1 : Number(a.token > b.token))
  );
}

async function insertOrExplain(session: Session, rows: readonly NewToken[]): Promise<Attempt[]> {
  // Twins of one token in one batch: the first is inserted, the others are explained like any loser.
  const seen = new Set<string>();
  const firsts = rows.filter(({ vaultId, token }) => {
    const key = `${vaultId}/${token}`;
    return !seen.has(key) && seen.add(key);
  });
  const stored = await insert(session, firsts);
  const losers = rows.filter((row) => !stored.has(row));
  // A new statement: the snapshot of the insert is older than the rows that won against it.
  const explained = losers.length === 0 ? [] : await explain(session, losers);
  const results = new Map(losers.map((row, index) => [row, explained[index]]));
  return rows.map((row) => (stored.has(row) ? { kind: 'inserted' } : results.get(row)));
}

async function insert(session: Session, rows: readonly NewToken[]): Promise<Set<NewToken>> {
  const stored = await session.rows<{ ord: number }>({
    name: 'token-insert',
    text: INSERT,
    values: inputArrays(rows),
  });
  return new Set(stored.map(({ ord }) => rows[ord - 1] as NewToken));
}

/** Says of each row what stands in its place now, if anything. */
async function explain(session: Session, rows: readonly NewToken[]): Promise<Attempt[]> {
  const found = await session.rows<TokenRow & { stored: boolean; used: boolean; live: boolean }>({
    name: 'token-explain',
    text: EXPLAIN,
    values: inputArrays(rows),
  });
  const results = new Array<Attempt>(rows.length).fill(undefined);
  for (const row of found) {
    results[row.ord - 1] = explanation(row);
  }
  return results;
}

function explanation(row: TokenRow & { stored: boolean; used: boolean; live: boolean }): Attempt {
  // The same sealed bytes (a random nonce is in them) can only be our own, of an earlier attempt.
  if (row.stored) {
    return { kind: 'inserted' };
  }
  if (row.live) {
    return { kind: 'known', row: toStoredToken(row) };
  }
  return row.used ? { kind: 'taken' } : undefined;
}

const MAX_ATTEMPTS = 8;

/**
 * The slow way, for a row whose fingerprint a dead row holds, or whose first attempt left no trace.
 * One row per transaction: it holds several locks, and alone it cannot be part of a deadlock.
 */
async function insertAlone(
  deps: { pool: Pool; clock: Clock },
  row: NewToken,
): Promise<InsertResult> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const result = await untilCertain(deps, {
      first: () => inTransaction(deps.pool, (session) => replace(session, row)),
      again: (session) => replace(session, row),
    });
    if (result !== undefined) {
      return result;
    }
  }
  throw new VaultError('store_unavailable', { detail: 'lost every race for one fingerprint' });
}

async function replace(session: Session, row: NewToken): Promise<Attempt> {
  const [explained] = await explain(session, [row]);
  if (explained !== undefined) {
    return explained;
  }
  if (row.fingerprint !== undefined) {
    const { even, odd } = fingerprintColumns(row.fingerprint);
    await session.rows({
      text: FREE_DEAD_FINGERPRINT,
      values: [row.shard, row.vaultId, row.fieldId, even, odd],
    });
  }
  const stored = await insert(session, [row]);
  if (!stored.has(row)) {
    return undefined;
  }
  // An earlier attempt of this row may have been stored, handed out and revoked while our insert
  // waited for it: the revocation is newer than the insert's snapshot, and it must win.
  const undone = await session.rows({
    text: UNDO_IF_REVOKED,
    values: [row.shard, row.vaultId, row.token],
  });
  return undone.length > 0 ? { kind: 'taken' } : { kind: 'inserted' };
}

function inputArrays(rows: readonly NewToken[]): unknown[] {
  const fingerprints = rows.map((row) => fingerprintColumns(row.fingerprint));
  return [
    rows.map((row) => row.shard),
    rows.map((row) => row.vaultId),
    rows.map((row) => row.token),
    rows.map((row) => row.fieldId),
    fingerprints.map((columns) => columns.even),
    fingerprints.map((columns) => columns.odd),
    rows.map((row) => row.sealed),
    rows.map((row) => row.metadata),
    rows.map((row) => row.expiresAt),
    rows.map((row) => row.subjectId),
    rows.map((row) => row.sealedForSubject),
  ];
}
