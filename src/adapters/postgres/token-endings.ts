import type { Pool } from 'pg';
import type { RandomBytes } from '../../crypto/random.ts';
import type { Clock } from '../../operations/ports/clock.ts';
import type { TokenKey } from '../../operations/ports/token-store.ts';
import { untilCertain } from './certainty.ts';
import { runStatement, type Session } from './session.ts';
import { keyArrays, TOKEN_IS_LIVE } from './token-rows.ts';

/** Long enough that no two calls ever share one. */
const CALL_ID_BYTES = 16;

// Locked in one order first: two calls that end the same tokens in different orders would deadlock.
const REVOKE = `
with wanted as (
  select * from unnest($1::smallint[], $2::int[], $3::text[]) as w (shard, vault_id, token)
), live as (
  select t.shard, t.vault_id, t.token
  from token t join wanted using (shard, vault_id, token)
  where ${TOKEN_IS_LIVE}
  order by t.shard, t.vault_id, t.token
  for update of t
), ended as (
  delete from token t using live
  where t.shard = live.shard and t.vault_id = live.vault_id and t.token = live.token
  returning t.shard, t.vault_id, t.token
), kept as (
  insert into revocation (shard, vault_id, token, call_id)
  select shard, vault_id, token, $4::bytea from ended
  on conflict do nothing
)
select vault_id, token from ended`;

const REVOKED_BY_CALL = `
select r.vault_id, r.token
from unnest($1::smallint[], $2::int[], $3::text[]) as wanted (shard, vault_id, token)
join revocation r using (shard, vault_id, token)
where r.call_id = $4::bytea`;

type Ended = { vault_id: number; token: string };

/**
 * Ends live tokens: mapping and links go, and the revocation stays, in one statement. One result per
 * key, in order: true for those that this call ended. Of twins in one batch the first is true.
 */
export async function revokeTokens(
  deps: { pool: Pool; clock: Clock; random: RandomBytes },
  keys: readonly TokenKey[],
): Promise<boolean[]> {
  const values = [...keyArrays(keys), deps.random(CALL_ID_BYTES)];
  const revoke = { name: 'token-revoke', text: REVOKE, values };
  const ended = await untilCertain(deps, {
    first: () => runStatement<Ended>(deps.pool, revoke),
    again: async (session: Session) => {
      await session.rows<Ended>(revoke);
      // Read in a new statement: it also sees what the first attempt has ended meanwhile.
      return session.rows<Ended>({ text: REVOKED_BY_CALL, values });
    },
  });
  const mine = new Set(ended.map((row) => `${row.vault_id}/${row.token}`));
  return keys.map((key) => mine.delete(`${key.vaultId}/${key.token}`));
}
