import type { CachedToken } from '../../../../operations/ports/audit-log.ts';
import { ints } from '../../binary-arrays.ts';
import { keyArrays, SUBJECT_OF_TOKEN, TOKEN_IS_LIVE, TOKEN_IS_OPENABLE } from '../../token-rows.ts';
import type { Ground, Standing } from './basis.ts';

/** Bytes of its nonce by which one sealed value is told from another: 64 random bits. */
const MARK_BYTES = 8;
/**
 * Where the nonce's second half begins in a sealed value (DESIGN §7): behind format, key version and the half
 * that values sealed one after the other have in common (ADR 0019).
 */
const MARK_AT = 17;

/** What is read of a ground. The members of `gone` count from 1. */
export type StandingRow = { at_ms: number; versions: (number | null)[]; gone?: number[] };

/**
 * Columns of `StandingRow`, in one snapshot: what was acknowledged before the statement came is in it.
 *
 * @param first the number of the statement's first parameter for `groundValues`
 */
export function standingColumns({ cached }: Ground, first: number): string {
  return cached.length === 0
    ? policyColumns(first)
    : `${policyColumns(first)}, ${goneColumn(first)}`;
}

const policyColumns = (at: number) => `
  extract(epoch from statement_timestamp())::float8 * 1000 as at_ms,
  array(
    select (
      select p.version from policy_version p
      where p.vault_id = asked.vault_id
      order by p.version desc limit 1
    )
    from unnest($${at}::int[]) with ordinality as asked (vault_id, ord)
    order by asked.ord
  ) as versions`;

// Gone is what a read would not find, or would find sealed anew: erased, swept, revoked, or another row under
// the same string. Not by "not exists", which the planner may turn into a join with all tokens there are.
const goneColumn = (at: number) => `
  array(
    select asked.ord::int
    from unnest($${at + 1}::smallint[], $${at + 2}::int[], $${at + 3}::text[])
      with ordinality as asked (shard, vault_id, token, ord)
    left join lateral (
      select true as is_found from (
        select * from token o
        where o.shard = asked.shard and o.vault_id = asked.vault_id and o.token = asked.token
        offset 0
      ) t
      ${SUBJECT_OF_TOKEN}
      where ${TOKEN_IS_LIVE} and ${TOKEN_IS_OPENABLE}
        and substr(t.sealed, ${MARK_AT + 1}, ${MARK_BYTES})
          = substr($${at + 4}::bytea, (asked.ord::int - 1) * ${MARK_BYTES} + 1, ${MARK_BYTES})
      offset 0
    ) kept on true
    where kept.is_found is null
  ) as gone`;

/** The values of the parameters in `standingColumns`. */
export function groundValues({ vaultIds, cached }: Ground): unknown[] {
  if (cached.length === 0) return [ints(vaultIds)];
  const marks = cached.map(({ sealed }) => sealed.subarray(MARK_AT, MARK_AT + MARK_BYTES));
  return [ints(vaultIds), ...keyArrays(cached), Buffer.concat(marks)];
}

/** What the row says of the ground. */
export function toStanding({ vaultIds, cached }: Ground, row: StandingRow): Standing {
  const versions = new Map<number, number>();
  for (const [index, vaultId] of vaultIds.entries()) {
    const version = row.versions[index];
    if (typeof version === 'number') versions.set(vaultId, version);
  }
  const gone = row.gone?.map((ord) => cached[ord - 1] as CachedToken);
  return { atMs: row.at_ms, versions, gone: new Set(gone) };
}
