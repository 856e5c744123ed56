import type { Fingerprint, NewToken } from '../../operations/ports/token-store.ts';
import { bigints, byteas, smallints } from './binary-arrays.ts';
import type { Session } from './session.ts';
import {
  fingerprintColumns,
  keyArrays,
  ROW_OF_HOLDER,
  SUBJECT_OF_TOKEN,
  TOKEN_COLUMNS,
  TOKEN_IS_LIVE,
  type TokenRow,
} from './token-rows.ts';

/** A row that was to be stored, and where its value's fingerprint belongs. */
type Asked = Pick<
  NewToken,
  'shard' | 'vaultId' | 'token' | 'fieldId' | 'sealed' | 'small' | 'subjectId'
> & { holder?: { shard: number; fingerprint: Fingerprint } };

/**
 * What stands in the place of a row now. `stored`: the row itself. `used`: its string is or was in use.
 * `gone`: the subject that it names does not exist. `live`: the columns are those of a live token: the one
 * of the value's fingerprint, or without one, the token of this string and field; `same` when it is this
 * very string.
 */
export type Facts = TokenRow & {
  stored: boolean;
  used: boolean;
  gone: boolean;
  live: boolean;
  same: boolean;
};

const EXPLAIN = `
with input as (
  select * from unnest($1::smallint[], $2::int[], $3::text[], $4::smallint[], $5::bytea[],
      $6::bytea[], $7::bigint[], $8::smallint[], $9::bytea[], $10::bytea[])
    with ordinality as i (shard, vault_id, token, field_id, sealed, tombstone, subject_id,
      holder_shard, fp_even, fp_odd, ord)
)
select i.ord::int, mine.sealed is not null and mine.sealed = i.sealed as stored,
  mine.sealed is not null or r.token is not null or x.digest is not null as used,
  i.subject_id is not null and (
    select p.id from subject p where p.vault_id = i.vault_id and p.id = i.subject_id) is null as gone,
  t.token is not null and ${TOKEN_IS_LIVE} as live,
  t.token is not null and t.token = i.token and t.shard = i.shard as same,
  ${TOKEN_COLUMNS}
from input i
left join lateral (
  select * from token o where o.shard = i.shard and o.vault_id = i.vault_id and o.token = i.token
  offset 0
) mine on true
left join lateral (
  select * from revocation o
  where o.shard = i.shard and o.vault_id = i.vault_id and o.token = i.token
  offset 0
) r on true
left join lateral (
  select * from tombstone o
  where o.shard = i.shard and o.vault_id = i.vault_id and o.digest = i.tombstone
  offset 0
) x on true
left join lateral (
  select o.* from token o where o.shard = i.holder_shard and o.vault_id = i.vault_id
    and o.field_id = i.field_id and o.fp_even = i.fp_even
  union all
  select o.* from token o where o.shard = i.holder_shard and o.vault_id = i.vault_id
    and o.field_id = i.field_id and o.fp_odd = i.fp_odd
  union all
  select mine.* where i.holder_shard is null and mine.field_id = i.field_id
  offset 0
) h on true
left join lateral ${ROW_OF_HOLDER} t on true
${SUBJECT_OF_TOKEN}`;

/** Reads what explains that rows were not stored: one for each row, in order. */
export async function explainRows(session: Session, rows: readonly Asked[]): Promise<Facts[]> {
  const fingerprints = rows.map(({ holder }) => fingerprintColumns(holder?.fingerprint));
  const found = await session.rows<Facts>({
    name: 'token-explain',
    text: EXPLAIN,
    values: [
      ...keyArrays(rows),
      smallints(rows.map((row) => row.fieldId)),
      byteas(rows.map((row) => row.sealed)),
      byteas(rows.map((row) => row.small?.tombstone)),
      bigints(rows.map((row) => row.subjectId)),
      smallints(rows.map((row) => row.holder?.shard)),
      byteas(fingerprints.map((columns) => columns.even)),
      byteas(fingerprints.map((columns) => columns.odd)),
    ],
  });
  const results = new Array<Facts>(rows.length);
  for (const row of found) {
    results[row.ord - 1] = row;
  }
  return results;
}
