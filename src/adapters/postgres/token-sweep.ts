import type { Pool } from 'pg';
import type { DeadToken, TokenSweep } from '../../operations/ports/token-sweep.ts';
import { readTwice } from './certainty.ts';
import { runStatement } from './session.ts';
import { ANSWER_LIFE } from './token-answers.ts';
import { keyArrays, TOKEN_IS_LIVE } from './token-rows.ts';

/** Rows of each kind that one call of `forget` deletes at most. */
const FORGET_ROWS = 2_000;

const HAS_KEYS = '(t.space is null or t.vault_id <> all ($2::int[]))';

const FIND_DEAD = `
(select t.shard, t.vault_id, t.token, t.space is not null as is_small
  from token t
  where t.expires_at <= statement_timestamp() and ${HAS_KEYS}
  order by t.expires_at
  limit $1)
union all
(select t.shard, t.vault_id, t.token, t.space is not null
  from token t
  where t.reveals_left = 0 and (t.expires_at is null or t.expires_at > statement_timestamp())
    and ${HAS_KEYS}
  limit $1)
limit $1`;

// Judged again here, under the lock: the list may be old. Locked rows are somebody's who ends them.
const BURY = `
with wanted as (
  select * from unnest($1::smallint[], $2::int[], $3::text[], $4::bytea[])
    as w (shard, vault_id, token, tombstone)
), dead as (
  select t.shard, t.vault_id, t.token, wanted.tombstone
  from token t join wanted using (shard, vault_id, token)
  where not ${TOKEN_IS_LIVE} and (t.space is null or wanted.tombstone is not null)
  for update of t skip locked
), buried as (
  delete from token t using dead
  where t.shard = dead.shard and t.vault_id = dead.vault_id and t.token = dead.token
  returning t.shard, t.vault_id, t.field_id, t.space, dead.tombstone
), kept as (
  insert into tombstone (shard, vault_id, digest, field_id, space)
  select shard, vault_id, tombstone, field_id, space from buried where space is not null
  on conflict do nothing
)
select count(*)::int as rows from buried`;

// By place, which is one order for all: two sweepers wait for each other, and none for ever.
const forget = (table: 'idempotency' | 'revocation', time: string, age: string) => `
with gone as (
  delete from ${table}
  where ctid = any (array(
    select ctid from ${table}
    where ${time} < statement_timestamp() - ${age}
    order by ${time}
    limit ${FORGET_ROWS}))
  returning 1
)
select count(*)::int as rows from gone`;

const FORGET_ANSWERS = forget('idempotency', 'created_at', ANSWER_LIFE);
const FORGET_REVOCATIONS = forget(
  'revocation',
  'revoked_at',
  `$1::bigint * interval '1 millisecond'`,
);

type DeadRow = { shard: number; vault_id: number; token: string; is_small: boolean };

/**
 * Deletion of dead rows in Postgres. What fails in doubt is not looked into: whoever sweeps next finds what
 * is left.
 */
export function makeTokenSweep({ pool }: { pool: Pool }): TokenSweep {
  const count = async (text: string, values: unknown[]): Promise<number> => {
    const [counted] = await runStatement<{ rows: number }>(pool, { text, values });
    return counted?.rows ?? 0;
  };
  return {
    findDead: ({ limit, withoutKeys }) =>
      readTwice(pool, async (session) => {
        const values = [limit, withoutKeys];
        return (await session.rows<DeadRow>({ text: FIND_DEAD, values })).map(toDead);
      }),
    bury: (rows) => count(BURY, [...keyArrays(rows), rows.map(({ tombstone }) => tombstone)]),
    forget: async ({ revocationMs }) =>
      (await count(FORGET_ANSWERS, [])) + (await count(FORGET_REVOCATIONS, [revocationMs])),
  };
}

function toDead({ shard, vault_id: vaultId, token, is_small: isSmall }: DeadRow): DeadToken {
  return { shard, vaultId, token, isSmall };
}
