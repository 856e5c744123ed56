import type {
  FingerprintKey,
  StoredToken,
  SubjectRow,
  TokenKey,
} from '../../operations/ports/token-store.ts';
import { ints, smallints, texts } from './binary-arrays.ts';

/** A row of `token` with its subject's secret, as the statements of this folder select it. */
export type TokenRow = {
  /** Position of the item that asked, from 1. */
  ord: number;
  token: string;
  shard: number;
  field_id: number;
  sealed: Buffer;
  metadata: Buffer | null;
  created_at_ms: number;
  expires_at_ms: number | null;
  reveals_left: number | null;
  subject_id: string | null;
  subject_digest: Buffer | null;
  sealed_secret: Buffer | null;
  read_at_ms: number;
};

// As a number: taking a time apart that is written out costs ten times as much.
const msOf = (time: string) => `round(date_part('epoch', ${time}) * 1000)`;

/** Columns of `TokenRow`, of `token t` left joined to `subject s` (`SUBJECT_OF_TOKEN`). */
export const TOKEN_COLUMNS = `t.token, t.shard, t.field_id, t.sealed, t.metadata,
  ${msOf('t.created_at')} as created_at_ms, ${msOf('t.expires_at')} as expires_at_ms,
  t.reveals_left, t.subject_id, s.digest as subject_digest, s.sealed_secret,
  date_part('epoch', statement_timestamp()) * 1000 as read_at_ms`;

/**
 * "offset 0" keeps a look-up by key a look-up by key: it is planned by itself, and joined for one row after
 * the other. What the planner believes of tables that grow, or were never analyzed, cannot change it to a
 * scan; one cost 4 ms for each token.
 */
export const SUBJECT_OF_TOKEN = `left join lateral (
  select p.* from subject p where p.vault_id = t.vault_id and p.id = t.subject_id offset 0
) s on true`;

/**
 * Liveness by the database's clock, at the start of the statement: the same for all rows of a batch,
 * and fresh in each statement of a transaction (`now()` would stand still). A token whose last reveal
 * is used up is as dead as an expired one.
 */
export const TOKEN_IS_LIVE = `((t.expires_at is null or t.expires_at > statement_timestamp())
  and t.reveals_left is distinct from 0)`;

/**
 * The row that `token h`, the holder of a fingerprint, stands for: another one's for the alias of an
 * imported token, else its own.
 */
export const ROW_OF_HOLDER = `(
  select h.* where h.target_token is null
  union all
  select o.* from token o where o.shard = h.target_shard and o.vault_id = h.vault_id
    and o.token = h.target_token
  offset 0
)`;

/** Of `token t` left joined to `subject s`: a row whose person's secret is gone counts as gone. */
export const TOKEN_IS_OPENABLE = '(t.subject_id is null or s.id is not null)';

/** Turns a row into what the port promises. */
export function toStoredToken(row: TokenRow): StoredToken {
  return {
    token: row.token,
    shard: row.shard,
    fieldId: row.field_id,
    sealed: row.sealed,
    ...(row.metadata !== null && { metadata: row.metadata }),
    createdAt: new Date(row.created_at_ms),
    ...(row.expires_at_ms !== null && { expiresAt: new Date(row.expires_at_ms) }),
    ...(row.reveals_left !== null && { revealsLeft: row.reveals_left }),
    ...subjectOf(row),
    readAtMs: row.read_at_ms,
  };
}

function subjectOf(row: TokenRow): { subject?: SubjectRow } {
  const { subject_id: id, subject_digest: digest, sealed_secret: sealedSecret } = row;
  return id === null || digest === null || sealedSecret === null
    ? {}
    : { subject: { id, digest, sealedSecret } };
}

/** The arrays of `unnest($1::smallint[], $2::int[], $3::text[])`. */
export function keyArrays(keys: readonly TokenKey[]): unknown[] {
  return [
    smallints(keys.map((key) => key.shard)),
    ints(keys.map((key) => key.vaultId)),
    texts(keys.map((key) => key.token)),
  ];
}

/** One text per token of any vault. */
export function nameOf({ vaultId, token }: Pick<TokenKey, 'vaultId' | 'token'>): string {
  return `${vaultId}/${token}`;
}

/** A fingerprint in the column of its key version's parity; the other column stays null. */
export function fingerprintColumns(fingerprint: FingerprintKey['fingerprint'] | undefined): {
  even?: Buffer;
  odd?: Buffer;
} {
  if (fingerprint === undefined) {
    return {};
  }
  return fingerprint.version % 2 === 0 ? { even: fingerprint.digest } : { odd: fingerprint.digest };
}
