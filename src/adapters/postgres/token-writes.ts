import type { Pool } from 'pg';
import { VaultError } from '../../domain/errors.ts';
import type { Clock } from '../../operations/ports/clock.ts';
import type { FingerprintKey, NewToken, TokenKey } from '../../operations/ports/token-store.ts';
import { untilCertain } from './certainty.ts';
import { inTransaction, type Session } from './session.ts';
import { fingerprintColumns, keyArrays, nameOf, TOKEN_IS_LIVE } from './token-rows.ts';

/** `undefined`: this attempt could not store the row, and nobody else's row explains it. */
export type Attempt<Result> = Result | undefined;

/** A row of `token` to write. `target`: it only holds the fingerprint of that token. */
export type Draft = NewToken & { target?: Pick<TokenKey, 'shard' | 'token'> };

// The order is the caller's (`lockOrder`), spelled out because the planner is free to change it. Persons
// are locked before the first row is written: an erasure that runs is waited for while nobody waits for
// us. Who it has erased is missing here, and so are the rows that name them.
const WRITE = `
with input as (
  select * from unnest($1::smallint[], $2::int[], $3::text[], $4::smallint[], $5::bytea[],
      $6::bytea[], $7::bytea[], $8::bytea[], $9::timestamptz[], $10::bigint[], $11::bool[],
      $12::int[], $13::smallint[], $14::bytea[], $15::smallint[], $16::text[])
    with ordinality as i (shard, vault_id, token, field_id, fp_even, fp_odd, sealed, metadata,
      expires_at, subject_id, sealed_for_subject, reveals_left, space, tombstone, target_shard,
      target_token, ord)
), person as (
  select s.vault_id, s.id from subject s
  where (s.vault_id, s.id) in (select vault_id, subject_id from input)
  order by s.vault_id, s.id
  for key share
), stored as (
  insert into token (shard, vault_id, token, field_id, fp_even, fp_odd, sealed, metadata, expires_at,
    subject_id, reveals_left, space, target_shard, target_token)
  select i.shard, i.vault_id, i.token, i.field_id, i.fp_even, i.fp_odd, i.sealed, i.metadata,
    i.expires_at, case when i.sealed_for_subject then i.subject_id end, i.reveals_left, i.space,
    i.target_shard, i.target_token
  from input i
  where (i.subject_id is null
      or (i.vault_id, i.subject_id) in (select p.vault_id, p.id from person p))
    and not exists (
      select from revocation r
      where r.shard = i.shard and r.vault_id = i.vault_id and r.token = i.token)
    and not exists (
      select from tombstone x
      where x.shard = i.shard and x.vault_id = i.vault_id and x.digest = i.tombstone)
  order by i.ord
  on conflict do nothing
  returning shard, vault_id, token
), linked as (
  insert into token_subject (shard, vault_id, token, subject_id)
  select i.shard, i.vault_id, i.token, i.subject_id
  from input i join stored using (shard, vault_id, token)
  where i.subject_id is not null
), tagged as (
  insert into token_tag (shard, vault_id, token, tag)
  select i.shard, i.vault_id, i.token, tagged.tag
  from unnest($17::int[], $18::bytea[]) as tagged (ord, tag)
  join input i using (ord) join stored using (shard, vault_id, token)
)
select i.ord::int from input i join stored using (shard, vault_id, token)`;

const REMOVE_ENDED = `
delete from token t
using unnest($1::smallint[], $2::int[], $3::text[], $4::bytea[])
  as i (shard, vault_id, token, tombstone)
where t.shard = i.shard and t.vault_id = i.vault_id and t.token = i.token
  and (exists (
      select from revocation r
      where r.shard = i.shard and r.vault_id = i.vault_id and r.token = i.token)
    or exists (
      select from tombstone x
      where x.shard = i.shard and x.vault_id = i.vault_id and x.digest = i.tombstone))
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
 * Writes rows with their links and tags, in the order given (`lockOrder`), no token twice; those that it
 * stored. The others met a row, a trace of an ended token, or the lack of their subject.
 */
export async function writeRows<Row extends Draft>(
  session: Session,
  rows: readonly Row[],
): Promise<Set<Row>> {
  if (rows.length === 0) return new Set();
  const stored = await session.rows<{ ord: number }>({
    name: 'token-insert',
    text: WRITE,
    values: inputArrays(rows),
  });
  return new Set(stored.map(({ ord }) => rows[ord - 1] as Row));
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
    values: [...keyArrays(rows), rows.map(({ small }) => small?.tombstone)],
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
  const losers = rows.filter((row) => !stored.has(row));
  // A new statement: the snapshot of the write is older than the rows that won against it.
  const explained = losers.length === 0 ? [] : await how.explain(session, losers);
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

function inputArrays(rows: readonly Draft[]): unknown[] {
  const fingerprints = rows.map((row) => fingerprintColumns(row.fingerprint));
  const tags = rows.flatMap((row, index) =>
    (row.tags ?? []).map((tag) => ({ ord: index + 1, tag })),
  );
  return [
    ...keyArrays(rows),
    rows.map((row) => row.fieldId),
    fingerprints.map((columns) => columns.even),
    fingerprints.map((columns) => columns.odd),
    rows.map((row) => row.sealed),
    rows.map((row) => row.metadata),
    rows.map((row) => row.expiresAt),
    rows.map((row) => row.subjectId),
    rows.map((row) => row.sealedForSubject),
    rows.map((row) => row.revealsLeft),
    rows.map((row) => row.small?.space),
    rows.map((row) => row.small?.tombstone),
    rows.map((row) => row.target?.shard),
    rows.map((row) => row.target?.token),
    tags.map(({ ord }) => ord),
    tags.map(({ tag }) => tag),
  ];
}
