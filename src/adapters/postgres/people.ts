import type { Pool } from 'pg';
import type { Clock } from '../../operations/ports/clock.ts';
import type { Erasure, PeopleStore, PersonalRow } from '../../operations/ports/people-store.ts';
import { readTwice } from './certainty.ts';
import { erasePerson } from './people-erase.ts';
import type { Session } from './session.ts';
import {
  TOKEN_COLUMNS,
  TOKEN_IS_LIVE,
  TOKEN_IS_OPENABLE,
  type TokenRow,
  toStoredToken,
} from './token-rows.ts';

/** Erasures of one question: three megabytes of parameters would wait long for their turn. */
const ASK_AT_ONCE = 5_000;

// Who else is linked is asked row by row: of an `exists` here the planner may make a look at all links there are.
const ROWS_OF = `
select ${TOKEN_COLUMNS},
  coalesce((
    select true from token_subject o
    where o.shard = l.shard and o.vault_id = l.vault_id and o.token = l.token
      and o.subject_id <> l.subject_id
    limit 1
  ), false) as is_shared
from subject person
join token_subject l on l.vault_id = person.vault_id and l.subject_id = person.id
join token t on t.shard = l.shard and t.vault_id = l.vault_id and t.token = l.token
left join subject s on s.vault_id = t.vault_id and s.id = t.subject_id
where person.vault_id = $1 and person.digest = $2 and (l.shard, l.token) > ($3::smallint, $4::text)
  and t.target_token is null
  and ${TOKEN_IS_LIVE} and ${TOKEN_IS_OPENABLE}
order by l.shard, l.token
limit $5`;

const UNKNOWN = `
select asked.ord::int
from unnest($1::int[], $2::bytea[], $3::bigint[])
  with ordinality as asked (vault_id, digest, at_ms, ord)
where not exists (
  select from erasure e
  where e.vault_id = asked.vault_id and e.digest = asked.digest
    and e.erased_at = to_timestamp(asked.at_ms / 1000.0))
order by asked.ord`;

/** Persons in Postgres, and what belongs to them. */
export function makePeopleStore(deps: { pool: Pool; clock: Clock }): PeopleStore {
  return {
    rowsOf: ({ vaultId, digest, after, limit }) =>
      readTwice(deps.pool, async (session) => {
        // No shard is below 0, and no token is empty.
        const values = [vaultId, digest, after?.shard ?? -1, after?.token ?? '', limit];
        const rows = await session.rows<TokenRow & { is_shared: boolean }>({
          text: ROWS_OF,
          values,
        });
        return rows.map(
          (row): PersonalRow => ({ row: toStoredToken(row), isShared: row.is_shared }),
        );
      }),
    erase: (erasure) => erasePerson(deps, erasure),
    async unknownErasures(erasures) {
      const unknown: Erasure[] = [];
      for (let start = 0; start < erasures.length; start += ASK_AT_ONCE) {
        const asked = erasures.slice(start, start + ASK_AT_ONCE);
        unknown.push(...(await readTwice(deps.pool, (session) => findUnknown(session, asked))));
      }
      return unknown;
    },
  };
}

async function findUnknown(session: Session, asked: readonly Erasure[]): Promise<Erasure[]> {
  const rows = await session.rows<{ ord: number }>({
    text: UNKNOWN,
    values: [
      asked.map(({ vaultId }) => vaultId),
      asked.map(({ digest }) => digest),
      asked.map(({ atMs }) => atMs),
    ],
  });
  return rows.flatMap(({ ord }) => asked[ord - 1] ?? []);
}
