import type { FingerprintKey, StoredToken, TokenKey } from '../../operations/ports/token-store.ts';
import type { Session } from './session.ts';
import {
  fingerprintColumns,
  keyArrays,
  ROW_OF_HOLDER,
  TOKEN_COLUMNS,
  TOKEN_IS_LIVE,
  TOKEN_IS_OPENABLE,
  type TokenRow,
  toStoredToken,
} from './token-rows.ts';

// Rows that only hold a fingerprint for another one are no tokens. "offset 0" keeps that question out of
// the look-up: a table without statistics was scanned by the index of tokens in their order, 4 ms each.
const FIND = `
select wanted.ord::int, ${TOKEN_COLUMNS}
from unnest($1::smallint[], $2::int[], $3::text[])
  with ordinality as wanted (shard, vault_id, token, ord)
cross join lateral (
  select * from token o
  where o.shard = wanted.shard and o.vault_id = wanted.vault_id and o.token = wanted.token
  offset 0
) t
left join subject s on s.vault_id = t.vault_id and s.id = t.subject_id
where t.target_token is null and ${TOKEN_IS_LIVE} and ${TOKEN_IS_OPENABLE}`;

const findByFingerprintIn = (column: 'fp_even' | 'fp_odd') => `
select wanted.ord::int, ${TOKEN_COLUMNS}
from wanted
join token h on h.shard = wanted.shard and h.vault_id = wanted.vault_id
  and h.field_id = wanted.field_id and h.${column} = wanted.${column}
cross join lateral ${ROW_OF_HOLDER} t
left join subject s on s.vault_id = t.vault_id and s.id = t.subject_id
where ${TOKEN_IS_LIVE} and ${TOKEN_IS_OPENABLE}`;

const FIND_BY_FINGERPRINT = `
with wanted as (
  select * from unnest($1::smallint[], $2::int[], $3::smallint[], $4::bytea[], $5::bytea[])
    with ordinality as w (shard, vault_id, field_id, fp_even, fp_odd, ord)
)
${findByFingerprintIn('fp_even')}
union all
${findByFingerprintIn('fp_odd')}`;

/** Reads live tokens, one result per key, in order. */
export async function findTokens(
  session: Session,
  keys: readonly TokenKey[],
): Promise<(StoredToken | undefined)[]> {
  const rows = await session.rows<TokenRow>({
    name: 'token-find',
    text: FIND,
    values: keyArrays(keys),
  });
  return inOrder(keys.length, rows);
}

/** Reads the live tokens of known values, one result per key, in order. */
export async function findTokensByFingerprint(
  session: Session,
  keys: readonly FingerprintKey[],
): Promise<(StoredToken | undefined)[]> {
  const columns = keys.map((key) => fingerprintColumns(key.fingerprint));
  const rows = await session.rows<TokenRow>({
    name: 'token-find-by-fingerprint',
    text: FIND_BY_FINGERPRINT,
    values: [
      keys.map((key) => key.shard),
      keys.map((key) => key.vaultId),
      keys.map((key) => key.fieldId),
      columns.map((column) => column.even),
      columns.map((column) => column.odd),
    ],
  });
  return inOrder(keys.length, rows);
}

function inOrder(length: number, rows: readonly TokenRow[]): (StoredToken | undefined)[] {
  const results = new Array<StoredToken | undefined>(length).fill(undefined);
  for (const row of rows) {
    results[row.ord - 1] = toStoredToken(row);
  }
  return results;
}
