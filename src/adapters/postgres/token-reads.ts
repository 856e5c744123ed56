import type { FingerprintKey, StoredToken, TokenKey } from '../../operations/ports/token-store.ts';
import { byteas, ints, smallints } from './binary-arrays.ts';
import type { Session } from './session.ts';
import {
  keyArrays,
  ROW_OF_HOLDER,
  SUBJECT_OF_TOKEN,
  TOKEN_COLUMNS,
  TOKEN_IS_LIVE,
  TOKEN_IS_OPENABLE,
  type TokenRow,
  toStoredToken,
} from './token-rows.ts';

// Rows that only hold a fingerprint for another one are no tokens. That question stands outside of the
// look-up (see `SUBJECT_OF_TOKEN`): inside, it would allow for an index of tokens in their order.
const FIND = `
select wanted.ord::int, ${TOKEN_COLUMNS}
from unnest($1::smallint[], $2::int[], $3::text[])
  with ordinality as wanted (shard, vault_id, token, ord)
cross join lateral (
  select * from token o
  where o.shard = wanted.shard and o.vault_id = wanted.vault_id and o.token = wanted.token
  offset 0
) t
${SUBJECT_OF_TOKEN}
where t.target_token is null and ${TOKEN_IS_LIVE} and ${TOKEN_IS_OPENABLE}`;

const findByFingerprintIn = (column: 'fp_even' | 'fp_odd') => `
select wanted.ord::int, ${TOKEN_COLUMNS}
from unnest($1::smallint[], $2::int[], $3::smallint[], $4::bytea[])
  with ordinality as wanted (shard, vault_id, field_id, fingerprint, ord)
cross join lateral (
  select * from token o where o.shard = wanted.shard and o.vault_id = wanted.vault_id
    and o.field_id = wanted.field_id and o.${column} = wanted.fingerprint
  offset 0
) h
cross join lateral ${ROW_OF_HOLDER} t
${SUBJECT_OF_TOKEN}
where ${TOKEN_IS_LIVE} and ${TOKEN_IS_OPENABLE}`;

/** By parity of the fingerprint key's version. */
const FIND_BY_FINGERPRINT = [
  { name: 'token-find-by-even-fingerprint', text: findByFingerprintIn('fp_even') },
  { name: 'token-find-by-odd-fingerprint', text: findByFingerprintIn('fp_odd') },
] as const;

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
  const found = new Array<StoredToken | undefined>(keys.length).fill(undefined);
  for (const [parity, statement] of FIND_BY_FINGERPRINT.entries()) {
    // While a rotation lasts there are both, else only one.
    const places = [...keys.keys()].filter(
      (place) => (keys[place]?.fingerprint.version ?? 0) % 2 === parity,
    );
    if (places.length === 0) continue;
    const asked = places.map((place) => keys[place] as FingerprintKey);
    const rows = await session.rows<TokenRow>({ ...statement, values: fingerprintArrays(asked) });
    for (const row of rows) {
      found[places[row.ord - 1] ?? 0] = toStoredToken(row);
    }
  }
  return found;
}

function fingerprintArrays(keys: readonly FingerprintKey[]): unknown[] {
  return [
    smallints(keys.map((key) => key.shard)),
    ints(keys.map((key) => key.vaultId)),
    smallints(keys.map((key) => key.fieldId)),
    byteas(keys.map((key) => key.fingerprint.digest)),
  ];
}

function inOrder(length: number, rows: readonly TokenRow[]): (StoredToken | undefined)[] {
  const results = new Array<StoredToken | undefined>(length).fill(undefined);
  for (const row of rows) {
    results[row.ord - 1] = toStoredToken(row);
  }
  return results;
}
