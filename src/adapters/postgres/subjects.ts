import type { Pool } from 'pg';
import { VaultError } from '../../domain/errors.ts';
import type { Clock } from '../../operations/ports/clock.ts';
import type { SubjectRow, TokenKey } from '../../operations/ports/token-store.ts';
import { bigints, byteas, ints } from './binary-arrays.ts';
import { readTwice, untilCertain } from './certainty.ts';
import { runStatement, type Session, withSession } from './session.ts';
import { keyArrays, TOKEN_IS_LIVE } from './token-rows.ts';

export type NewSubject = { vaultId: number; digest: Buffer; sealedSecret: Buffer };
export type NewLink = TokenKey & { subjectId: string };

const READ = `
select wanted.ord::int, s.id, s.digest, s.sealed_secret
from unnest($1::int[], $2::bytea[]) with ordinality as wanted (vault_id, digest, ord)
cross join lateral (
  select * from subject p where p.vault_id = wanted.vault_id and p.digest = wanted.digest
  offset 0
) s`;

// Sorted, because racing inserters of the same persons wait for each other.
const INSERT = `
insert into subject (vault_id, digest, sealed_secret)
select * from unnest($1::int[], $2::bytea[], $3::bytea[]) as s (vault_id, digest, sealed_secret)
order by s.vault_id, s.digest
on conflict (vault_id, digest) do nothing`;

// Everybody locks persons before tokens. An erasure that runs at the same time is waited for, and what
// it has deleted is passed over; one that comes later waits for this link, and sees it.
const LINK = `
with wanted as (
  select * from unnest($1::smallint[], $2::int[], $3::text[], $4::bigint[])
    as w (shard, vault_id, token, subject_id)
), person as (
  select s.vault_id, s.id
  from (select distinct vault_id, subject_id from wanted order by vault_id, subject_id) named
  cross join lateral (
    select * from subject p where p.vault_id = named.vault_id and p.id = named.subject_id
    offset 0 for key share
  ) s
), live as (
  select t.shard, t.vault_id, t.token, named.subject_id
  from (
    select * from wanted
    where (vault_id, subject_id) in (select vault_id, id from person)
    order by shard, vault_id, token, subject_id
  ) named
  cross join lateral (
    select * from token o
    where o.shard = named.shard and o.vault_id = named.vault_id and o.token = named.token
    offset 0 for key share
  ) t
  where ${TOKEN_IS_LIVE} and t.target_token is null
)
insert into token_subject (shard, vault_id, token, subject_id)
select shard, vault_id, token, subject_id from live
order by shard, vault_id, token, subject_id
on conflict do nothing`;

const LOCK = `
select
from (
  select distinct * from unnest($1::int[], $2::bigint[]) as w (vault_id, id)
  order by vault_id, id
) named
cross join lateral (
  select from subject p where p.vault_id = named.vault_id and p.id = named.id
  offset 0 for key share
) s`;

const TOKENS_OF = `
select t.token
from subject s
join token_subject linked on linked.vault_id = s.vault_id and linked.subject_id = s.id
join token t on t.shard = linked.shard and t.vault_id = linked.vault_id and t.token = linked.token
where s.vault_id = $1 and s.digest = $2 and ${TOKEN_IS_LIVE}
order by t.token
limit $3`;

/** The rows of these subjects, made where they are missing: one per subject, in order. */
export async function ensureSubjects(
  deps: { pool: Pool; clock: Clock },
  subjects: readonly NewSubject[],
): Promise<SubjectRow[]> {
  const found = await untilCertain(deps, {
    first: () => withSession(deps.pool, (session) => readOrInsert(session, subjects)),
    again: (session) => readOrInsert(session, subjects),
  });
  return found.map((row) => {
    if (row === undefined) {
      throw new VaultError('store_unavailable', { detail: 'a subject vanished while it was made' });
    }
    return row;
  });
}

async function readOrInsert(session: Session, subjects: readonly NewSubject[]) {
  const found = await read(session, subjects);
  const missing = subjects.filter((_, index) => found[index] === undefined);
  if (missing.length === 0) {
    return found;
  }
  await session.rows({
    name: 'subject-insert',
    text: INSERT,
    values: [
      ints(missing.map((subject) => subject.vaultId)),
      byteas(missing.map((subject) => subject.digest)),
      byteas(missing.map((subject) => subject.sealedSecret)),
    ],
  });
  // Not what we sent but what is there: another caller may have been first.
  return read(session, subjects);
}

async function read(
  session: Session,
  subjects: readonly NewSubject[],
): Promise<(SubjectRow | undefined)[]> {
  const rows = await session.rows<{
    ord: number;
    id: string;
    digest: Buffer;
    sealed_secret: Buffer;
  }>({
    name: 'subject-read',
    text: READ,
    values: [
      ints(subjects.map((subject) => subject.vaultId)),
      byteas(subjects.map((subject) => subject.digest)),
    ],
  });
  const results = new Array<SubjectRow | undefined>(subjects.length).fill(undefined);
  for (const row of rows) {
    results[row.ord - 1] = { id: row.id, digest: row.digest, sealedSecret: row.sealed_secret };
  }
  return results;
}

/**
 * Holds off the erasure of these subjects until the transaction ends. Before any other lock: an erasure
 * locks its subject first, too.
 */
export async function lockSubjects(
  session: Session,
  rows: readonly { vaultId: number; subjectId?: string }[],
): Promise<void> {
  const named = rows.filter(({ subjectId }) => subjectId !== undefined);
  if (named.length > 0) {
    const values = [
      ints(named.map((row) => row.vaultId)),
      bigints(named.map((row) => row.subjectId)),
    ];
    await session.rows({ name: 'subject-lock', text: LOCK, values });
  }
}

/**
 * Links live tokens to subjects; links that exist stay. Links of dead tokens, and to subjects who were
 * erased, are not made.
 */
export async function linkTokens(
  deps: { pool: Pool; clock: Clock },
  links: readonly NewLink[],
): Promise<undefined[]> {
  const link = {
    name: 'token-link',
    text: LINK,
    values: [...keyArrays(links), bigints(links.map((wanted) => wanted.subjectId))],
  };
  await untilCertain<unknown>(deps, {
    first: () => runStatement(deps.pool, link),
    again: (session) => session.rows(link),
  });
  return links.map(() => undefined);
}

/** Live tokens that are linked to a subject. */
export function findTokensOfSubject(
  pool: Pool,
  { vaultId, digest, limit }: { vaultId: number; digest: Buffer; limit: number },
): Promise<string[]> {
  return readTwice(pool, async (session) => {
    const rows = await session.rows<{ token: string }>({
      name: 'tokens-of-subject',
      text: TOKENS_OF,
      values: [vaultId, digest, limit],
    });
    return rows.map(({ token }) => token);
  });
}
