import type { Pool } from 'pg';
import type { RandomBytes } from '../../crypto/random.ts';
import type { Clock } from '../../operations/ports/clock.ts';
import type { TokenKey } from '../../operations/ports/token-store.ts';
import { byteas } from './binary-arrays.ts';
import { untilCertain } from './certainty.ts';
import { runStatement, type Session } from './session.ts';
import { keyArrays, nameOf, TOKEN_IS_LIVE } from './token-rows.ts';

/** Long enough that no two calls ever share one. */
const CALL_ID_BYTES = 16;

// Locked in one order first: two calls that end the same tokens in different orders would deadlock.
// What only holds a fingerprint for an imported token goes with that token, by a trigger.
const REVOKE = `
with wanted as (
  select * from unnest($1::smallint[], $2::int[], $3::text[], $4::bytea[])
    as w (shard, vault_id, token, tombstone)
), live as (
  select t.shard, t.vault_id, t.token
  from (select distinct shard, vault_id, token from wanted order by shard, vault_id, token) named
  cross join lateral (
    select * from token o
    where o.shard = named.shard and o.vault_id = named.vault_id and o.token = named.token
    offset 0 for update
  ) t
  where ${TOKEN_IS_LIVE} and t.target_token is null
), ended as (
  delete from token t using live
  where t.shard = live.shard and t.vault_id = live.vault_id and t.token = live.token
  returning t.shard, t.vault_id, t.token, t.field_id, t.space
), kept as (
  insert into revocation (shard, vault_id, token, call_id)
  select shard, vault_id, token, $5::bytea from ended
  on conflict do nothing
), buried as (
  insert into tombstone (shard, vault_id, digest, field_id, space)
  select shard, vault_id, w.tombstone, ended.field_id, ended.space
  from ended join wanted w using (shard, vault_id, token)
  where w.tombstone is not null
  on conflict do nothing
)
select vault_id, token from ended`;

const REVOKED_BY_CALL = `
select r.vault_id, r.token
from unnest($1::smallint[], $2::int[], $3::text[]) as wanted (shard, vault_id, token)
join revocation r using (shard, vault_id, token)
where r.call_id = $4::bytea`;

type Ended = { vault_id: number; token: string };
type Ending = TokenKey & { tombstone?: Buffer };

/**
 * Ends live tokens: mapping, links and tags go, and the revocation stays, with a tombstone for small
 * formats, in one statement. One result per key, in order: true for those that this call ended. Of twins in one batch the first is true.
 */
export async function revokeTokens(
  deps: { pool: Pool; clock: Clock; random: RandomBytes },
  keys: readonly Ending[],
): Promise<boolean[]> {
  const callId = deps.random(CALL_ID_BYTES);
  const revoke = {
    name: 'token-revoke',
    text: REVOKE,
    values: [...keyArrays(keys), byteas(keys.map(({ tombstone }) => tombstone)), callId],
  };
  const ended = await untilCertain(deps, {
    first: () => runStatement<Ended>(deps.pool, revoke),
    again: async (session: Session) => {
      await session.rows<Ended>(revoke);
      // Read in a new statement: it also sees what the first attempt has ended meanwhile.
      return session.rows<Ended>({ text: REVOKED_BY_CALL, values: [...keyArrays(keys), callId] });
    },
  });
  const mine = new Set(ended.map((row) => nameOf({ vaultId: row.vault_id, token: row.token })));
  return keys.map((key) => mine.delete(nameOf(key)));
}
