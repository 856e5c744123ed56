import type {
  FingerprintKey,
  StoredToken,
  SubjectRow,
  TokenKey,
} from '../../operations/ports/token-store.ts';

/** A row of `token` with its subject's secret, as the statements of this folder select it. */
export type TokenRow = {
  /** Position of the item that asked, from 1. */
  ord: number;
  token: string;
  shard: number;
  field_id: number;
  sealed: Buffer;
  metadata: Buffer | null;
  created_at: Date;
  expires_at: Date | null;
  reveals_left: number | null;
  subject_id: string | null;
  subject_digest: Buffer | null;
  sealed_secret: Buffer | null;
};

/** Columns of `TokenRow`, of `token t` left joined to `subject s`. */
export const TOKEN_COLUMNS = `t.token, t.shard, t.field_id, t.sealed, t.metadata, t.created_at,
  t.expires_at, t.reveals_left, t.subject_id, s.digest as subject_digest, s.sealed_secret`;

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
    createdAt: row.created_at,
    ...(row.expires_at !== null && { expiresAt: row.expires_at }),
    ...(row.reveals_left !== null && { revealsLeft: row.reveals_left }),
    ...subjectOf(row),
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
  return [keys.map((k) => k.shard), keys.map((k) => k.vaultId), keys.map((k) => k.token)];
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
