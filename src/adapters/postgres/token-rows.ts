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
  field_id: number;
  sealed: Buffer;
  metadata: Buffer | null;
  created_at: Date;
  expires_at: Date | null;
  subject_id: string | null;
  subject_digest: Buffer | null;
  sealed_secret: Buffer | null;
};

/** Columns of `TokenRow`, of `token t` left joined to `subject s`. */
export const TOKEN_COLUMNS = `t.token, t.field_id, t.sealed, t.metadata, t.created_at, t.expires_at,
  t.subject_id, s.digest as subject_digest, s.sealed_secret`;

/**
 * Liveness by the database's clock, at the start of the statement: the same for all rows of a batch,
 * and fresh in each statement of a transaction (`now()` would stand still).
 */
export const TOKEN_IS_LIVE = '(t.expires_at is null or t.expires_at > statement_timestamp())';

/** Turns a row into what the port promises. */
export function toStoredToken(row: TokenRow): StoredToken {
  return {
    token: row.token,
    fieldId: row.field_id,
    sealed: row.sealed,
    ...(row.metadata !== null && { metadata: row.metadata }),
    createdAt: row.created_at,
    ...(row.expires_at !== null && { expiresAt: row.expires_at }),
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
