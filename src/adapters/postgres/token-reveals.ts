import type { Pool } from 'pg';
import type { Clock } from '../../operations/ports/clock.ts';
import type { TokenKey } from '../../operations/ports/token-store.ts';
import { untilCertain } from './certainty.ts';
import { runStatement } from './session.ts';
import { keyArrays, nameOf, TOKEN_IS_LIVE } from './token-rows.ts';

// Locked in one order first, as all that change tokens do. A locked row is read as it is now, not as it
// was in the statement's snapshot: what others took meanwhile is gone from `reveals_left`.
const TAKE = `
with wanted as (
  select shard, vault_id, token, count(*)::int as n
  from unnest($1::smallint[], $2::int[], $3::text[]) as w (shard, vault_id, token)
  group by shard, vault_id, token
  order by shard, vault_id, token
), live as (
  select t.shard, t.vault_id, t.token, t.reveals_left, wanted.n
  from wanted
  cross join lateral (
    select * from token o
    where o.shard = wanted.shard and o.vault_id = wanted.vault_id and o.token = wanted.token
    offset 0 for no key update
  ) t
  where t.reveals_left is not null and ${TOKEN_IS_LIVE}
)
update token t set reveals_left = live.reveals_left - least(live.reveals_left, live.n)
from live
where t.shard = live.shard and t.vault_id = live.vault_id and t.token = live.token
returning t.vault_id, t.token, least(live.reveals_left, live.n) as taken`;

type Taken = { vault_id: number; token: string; taken: number };

/**
 * Takes one reveal for each key, in one statement; one result per key, in order. Of several calls for
 * one token the first get what is left.
 *
 * A take of unknown outcome counts as used, and another one is taken for the call: a reveal may be lost,
 * but there is never one too many.
 */
export async function takeReveals(
  deps: { pool: Pool; clock: Clock },
  keys: readonly TokenKey[],
): Promise<boolean[]> {
  const take = { name: 'token-take-reveal', text: TAKE, values: keyArrays(keys) };
  const rows = await untilCertain(deps, {
    first: () => runStatement<Taken>(deps.pool, take),
    again: (session) => session.rows<Taken>(take),
  });
  const left = new Map(
    rows.map((row) => [nameOf({ vaultId: row.vault_id, token: row.token }), row.taken]),
  );
  return keys.map((key) => {
    const units = left.get(nameOf(key)) ?? 0;
    left.set(nameOf(key), units - 1);
    return units > 0;
  });
}
