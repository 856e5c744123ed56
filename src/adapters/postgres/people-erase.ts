import type { Pool } from 'pg';
import type { Clock } from '../../operations/ports/clock.ts';
import type { PeopleStore } from '../../operations/ports/people-store.ts';
import { untilCertain } from './certainty.ts';
import { inTransaction, type Session } from './session.ts';

type Erase = Parameters<PeopleStore['erase']>[0];
type Place = { shard: number; token: string };
/** `is_sealed`: under this person's secret. */
type LockedRow = Place & { is_small: boolean; is_sealed: boolean };

/** Rows of one step: a person may have any number, and no statement may take long. */
const STEP_ROWS = 500;

// Whoever inserts or links rows for this person holds a share of this lock until the rows are committed, and
// finds no person to lock after us.
const LOCK = 'select id from subject where vault_id = $1 and digest = $2 for update';

const DONE_BEFORE = `
select erased from erasure
where vault_id = $1 and digest = $2 and erased_at = to_timestamp($3::bigint / 1000.0)`;

const NEXT = `
select shard, token from token_subject
where vault_id = $1 and subject_id = $2 and (shard, token) > ($3::smallint, $4::text)
order by shard, token
limit ${STEP_ROWS}`;

// In the one order in which rows are locked everywhere.
const LOCK_ROWS = `
select t.shard, t.token, t.space is not null as is_small, t.subject_id is not distinct from $2 as is_sealed
from unnest($3::smallint[], $4::text[]) as w (shard, token)
join token t on t.shard = w.shard and t.vault_id = $1 and t.token = w.token
order by t.shard, t.token
for update of t`;

// In a statement of its own: of two persons who share a row, the second to lock it has to see that the
// first is gone.
const SHARED = `
select w.shard, w.token
from unnest($3::smallint[], $4::text[]) as w (shard, token)
where exists (
  select from token_subject o
  where o.shard = w.shard and o.vault_id = $1 and o.token = w.token and o.subject_id <> $2)`;

// Links, tags and rows that stand for imported tokens go with their token.
const DELETE_ROWS = `
with gone as (
  delete from token t
  using unnest($2::smallint[], $3::text[], $4::bytea[]) as w (shard, token, tombstone)
  where t.shard = w.shard and t.vault_id = $1 and t.token = w.token
  returning t.shard, t.vault_id, t.field_id, t.space, w.tombstone
)
insert into tombstone (shard, vault_id, digest, field_id, space)
select shard, vault_id, tombstone, field_id, space from gone where space is not null
on conflict do nothing`;

// Of rows that others share: the first of them may have brought the metadata, and nobody knows who that was.
const FORGET_METADATA = `
with kept as (
  update token t set metadata = null
  from unnest($2::smallint[], $3::text[]) as w (shard, token)
  where t.shard = w.shard and t.vault_id = $1 and t.token = w.token and t.metadata is not null
)
delete from token_tag g
using unnest($2::smallint[], $3::text[]) as w (shard, token)
where g.shard = w.shard and g.vault_id = $1 and g.token = w.token`;

// Of the rows that were kept. A range, so that it costs the same at the end of a long way as at its start.
const DELETE_LINKS = `
delete from token_subject
where vault_id = $1 and subject_id = $2
  and (shard, token) > ($3::smallint, $4::text) and (shard, token) <= ($5::smallint, $6::text)`;

const DELETE_ANSWERS = 'delete from idempotency where vault_id = $1 and subject_id = $2';
const DELETE_SUBJECT = 'delete from subject where vault_id = $1 and id = $2';

const NOTE = `
insert into erasure (vault_id, digest, erased_at, erased)
values ($1, $2, to_timestamp($3::bigint / 1000.0), $4)
on conflict do nothing`;

/** One transaction, in steps of bounded size. See `PeopleStore.erase`. */
export function erasePerson(deps: { pool: Pool; clock: Clock }, erasure: Erase): Promise<number> {
  return untilCertain(deps, {
    first: () => inTransaction(deps.pool, (session) => erase(session, erasure)),
    // An attempt that still runs holds the lock; of one that was committed the note tells.
    again: (session) => erase(session, erasure),
  });
}

async function erase(session: Session, erasure: Erase): Promise<number> {
  const { vaultId, digest, atMs } = erasure;
  const [subject] = await session.rows<{ id: string }>({ text: LOCK, values: [vaultId, digest] });
  const [before] = await session.rows<{ erased: number }>({
    text: DONE_BEFORE,
    values: [vaultId, digest, atMs],
  });
  if (before !== undefined) {
    return before.erased;
  }
  const erased = subject === undefined ? 0 : await eraseSubject(session, subject.id, erasure);
  await session.rows({ text: NOTE, values: [vaultId, digest, atMs, erased] });
  return erased;
}

async function eraseSubject(session: Session, id: string, erasure: Erase): Promise<number> {
  const person = [erasure.vaultId, id];
  let erased = 0;
  let from: Place = { shard: -1, token: '' };
  for (;;) {
    const places = await session.rows<Place>({
      text: NEXT,
      values: [...person, from.shard, from.token],
    });
    const to = places.at(-1);
    if (to === undefined) break;
    erased += await eraseRows(session, { person, places, tombstone: erasure.tombstone });
    const range = [from.shard, from.token, to.shard, to.token];
    await session.rows({ text: DELETE_LINKS, values: [...person, ...range] });
    from = to;
  }
  await session.rows({ text: DELETE_ANSWERS, values: person });
  await session.rows({ text: DELETE_SUBJECT, values: person });
  return erased;
}

async function eraseRows(
  session: Session,
  step: { person: unknown[]; places: readonly Place[]; tombstone: Erase['tombstone'] },
): Promise<number> {
  const { person, places, tombstone } = step;
  const values = [...person, ...placeArrays(places)];
  const rows = await session.rows<LockedRow>({ text: LOCK_ROWS, values });
  const shared = new Set((await session.rows<Place>({ text: SHARED, values })).map(nameOf));
  // What only this person's secret opens is lost with it, whoever else is linked.
  const gone = rows.filter((row) => row.is_sealed || !shared.has(nameOf(row)));
  const kept = rows.filter((row) => !gone.includes(row));
  const tombstones = gone.map((row) => (row.is_small ? tombstone(row.token) : undefined));
  await session.rows({
    text: DELETE_ROWS,
    values: [person[0], ...placeArrays(gone), tombstones],
  });
  if (kept.length > 0) {
    await session.rows({ text: FORGET_METADATA, values: [person[0], ...placeArrays(kept)] });
  }
  return gone.length;
}

function nameOf({ shard, token }: Place): string {
  return `${shard}/${token}`;
}

function placeArrays(places: readonly Place[]): unknown[] {
  return [places.map(({ shard }) => shard), places.map(({ token }) => token)];
}
