import type { NewToken, TokenKey } from '../../operations/ports/token-store.ts';
import { bigints, bools, byteas, ints, smallints, texts, timestamps } from './binary-arrays.ts';
import type { Session } from './session.ts';
import { keyArrays, nameOf } from './token-rows.ts';

/** A row of `token` to write. `target`: it only holds the fingerprint of that token. */
export type Draft = NewToken & { target?: Pick<TokenKey, 'shard' | 'token'> };

// Ended tokens are never issued again. Asked for each row by itself, by key: as a join, the planner may read
// the whole table for it.
const NOT_REVOKED = `(
  select r.shard from revocation r
  where r.shard = i.shard and r.vault_id = i.vault_id and r.token = i.token) is null`;

// What nearly all rows are: nobody's, without tags, of a large format. They need a fifth less of the server
// than by the statement for all. The order is the caller's (`lockOrder`), spelled out because the planner is
// free to change it.
//
// Which rows were stored is said only when not all were: an answer of as many rows took us 2 µs for each.
const WRITE_PLAIN = `
with stored as (
insert into token (shard, vault_id, token, field_id, fp_even, fp_odd, sealed, metadata, expires_at,
  reveals_left)
select i.shard, i.vault_id, i.token, i.field_id, i.fp_even, i.fp_odd, i.sealed, i.metadata,
  i.expires_at, i.reveals_left
from unnest($1::smallint[], $2::int[], $3::text[], $4::smallint[], $5::bytea[], $6::bytea[],
    $7::bytea[], $8::bytea[], $9::timestamptz[], $10::int[])
  with ordinality as i (shard, vault_id, token, field_id, fp_even, fp_odd, sealed, metadata,
    expires_at, reveals_left, ord)
where ${NOT_REVOKED}
order by i.ord
on conflict do nothing
returning vault_id, token
), total as (
  select count(*)::int as stored from stored
)
select total.stored, stored.vault_id, stored.token
from total left join stored on total.stored < $11`;

// Persons are locked before the first row is written: an erasure that runs is waited for while nobody waits
// for us. Who it has erased is missing here, and so are the rows that name them.
const WRITE = `
with input as (
  select * from unnest($1::smallint[], $2::int[], $3::text[], $4::smallint[], $5::bytea[],
      $6::bytea[], $7::bytea[], $8::bytea[], $9::timestamptz[], $10::int[], $11::bigint[],
      $12::bool[], $13::smallint[], $14::bytea[], $15::smallint[], $16::text[])
    with ordinality as i (shard, vault_id, token, field_id, fp_even, fp_odd, sealed, metadata,
      expires_at, reveals_left, subject_id, sealed_for_subject, space, tombstone, target_shard,
      target_token, ord)
), person as (
  select s.vault_id, s.id
  from (
    select distinct vault_id, subject_id from input where subject_id is not null
    order by vault_id, subject_id
  ) named
  cross join lateral (
    select p.vault_id, p.id from subject p
    where p.vault_id = named.vault_id and p.id = named.subject_id
    offset 0 for key share
  ) s
), stored as (
  insert into token (shard, vault_id, token, field_id, fp_even, fp_odd, sealed, metadata, expires_at,
    subject_id, reveals_left, space, target_shard, target_token)
  select i.shard, i.vault_id, i.token, i.field_id, i.fp_even, i.fp_odd, i.sealed, i.metadata,
    i.expires_at, case when i.sealed_for_subject then i.subject_id end, i.reveals_left, i.space,
    i.target_shard, i.target_token
  from input i
  where (i.subject_id is null
      or (i.vault_id, i.subject_id) in (select p.vault_id, p.id from person p))
    and ${NOT_REVOKED}
    and (
      select x.shard from tombstone x
      where x.shard = i.shard and x.vault_id = i.vault_id and x.digest = i.tombstone) is null
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
select vault_id, token from stored`;

/**
 * Writes rows with their links and tags, in the order given (`lockOrder`), no token twice; those that it
 * stored. The others met a row, a trace of an ended token, or the lack of their subject.
 */
export async function writeRows<Row extends Draft>(
  session: Session,
  rows: readonly Row[],
): Promise<Set<Row>> {
  if (rows.length === 0) return new Set();
  const stored = await (rows.every(isPlain) ? writePlain(session, rows) : writeAll(session, rows));
  if (stored === 'all') return new Set(rows);
  const names = new Set(stored.map(({ vault_id: vaultId, token }) => nameOf({ vaultId, token })));
  return new Set(rows.filter((row) => names.has(nameOf(row))));
}

type Stored = { vault_id: number; token: string };

async function writePlain(session: Session, rows: readonly Draft[]): Promise<Stored[] | 'all'> {
  const answers = await session.rows<Partial<Stored> & { stored: number }>({
    name: 'token-insert-plain',
    text: WRITE_PLAIN,
    values: [...plainArrays(rows), rows.length],
  });
  const [first] = answers;
  // Nothing was in the way of any: the rule.
  if (first?.stored === rows.length) return 'all';
  return first === undefined || first.stored === 0 ? [] : (answers as Stored[]);
}

function writeAll(session: Session, rows: readonly Draft[]): Promise<Stored[]> {
  const values = [...plainArrays(rows), ...otherArrays(rows)];
  return session.rows<Stored>({ name: 'token-insert', text: WRITE, values });
}

function isPlain({ subjectId, small, tags, target }: Draft): boolean {
  return (
    subjectId === undefined && small === undefined && tags === undefined && target === undefined
  );
}

function plainArrays(rows: readonly Draft[]): unknown[] {
  return [
    ...keyArrays(rows),
    smallints(rows.map((row) => row.fieldId)),
    byteas(rows.map((row) => digestOf(row, 0))),
    byteas(rows.map((row) => digestOf(row, 1))),
    byteas(rows.map((row) => row.sealed)),
    byteas(rows.map((row) => row.metadata)),
    timestamps(rows.map((row) => row.expiresAt)),
    ints(rows.map((row) => row.revealsLeft)),
  ];
}

/** The fingerprint of a row, where its key's version has this parity (`fingerprintColumns`). */
function digestOf({ fingerprint }: Draft, parity: 0 | 1): Buffer | undefined {
  return fingerprint !== undefined && fingerprint.version % 2 === parity
    ? fingerprint.digest
    : undefined;
}

function otherArrays(rows: readonly Draft[]): unknown[] {
  const tags = rows.flatMap((row, index) =>
    (row.tags ?? []).map((tag) => ({ ord: index + 1, tag })),
  );
  return [
    bigints(rows.map((row) => row.subjectId)),
    bools(rows.map((row) => row.sealedForSubject)),
    smallints(rows.map((row) => row.small?.space)),
    byteas(rows.map((row) => row.small?.tombstone)),
    smallints(rows.map((row) => row.target?.shard)),
    texts(rows.map((row) => row.target?.token)),
    ints(tags.map(({ ord }) => ord)),
    byteas(tags.map(({ tag }) => tag)),
  ];
}
