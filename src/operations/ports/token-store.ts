/** Names one token. `shard` is derived from the token itself (`shardOf`), it is not a second key. */
export type TokenKey = { vaultId: number; shard: number; token: string };

/** Names the token of a known value. */
export type FingerprintKey = {
  vaultId: number;
  shard: number;
  fieldId: number;
  fingerprint: Fingerprint;
};

/** Keyed hash of a normalised value under one version of the vault's fingerprint key. 16 bytes. */
export type Fingerprint = { version: number; digest: Buffer };

/**
 * A person whom values belong to. `sealedSecret` is sealed under the vault's seal key and bound to
 * `digest`, the keyed digest of the caller's reference (32 bytes).
 */
export type SubjectRow = { id: string; digest: Buffer; sealedSecret: Buffer };

export type NewToken = TokenKey & {
  fieldId: number;
  /** Present for deterministic fields only. */
  fingerprint?: Fingerprint;
  sealed: Buffer;
  /** Sealed metadata. */
  metadata?: Buffer;
  expiresAt?: Date;
  /** Link to this subject. */
  subjectId?: string;
  /** True when `sealed` needs the subject's secret to open (random mode). */
  sealedForSubject: boolean;
};

export type StoredToken = {
  token: string;
  fieldId: number;
  sealed: Buffer;
  metadata?: Buffer;
  createdAt: Date;
  expiresAt?: Date;
  /** Present when the row is sealed under this subject's secret. */
  subject?: SubjectRow;
};

/** `known`: a live row holds this fingerprint already; it is the answer. `taken`: this token string is in use. */
export type InsertResult =
  | { kind: 'inserted' }
  | { kind: 'known'; row: StoredToken }
  | { kind: 'taken' };

/**
 * The encrypted mapping. Concurrent calls of one method may share one statement; each call still
 * behaves as if it were alone. Expired and revoked tokens are never returned: liveness is judged by the
 * store's own clock. All methods reject with `store_unavailable` when the store cannot answer in time.
 */
export interface TokenStore {
  /** The live token, or `undefined` when it never existed, has expired or was revoked. */
  find(key: TokenKey): Promise<StoredToken | undefined>;

  /** The live token of a known value. */
  findByFingerprint(key: FingerprintKey): Promise<StoredToken | undefined>;

  /**
   * Stores a new token; durable when it resolves. Under any race exactly one row per fingerprint
   * exists, and every caller gets that one. A dead row (expired) that still holds the fingerprint
   * loses it in the same transaction that stores the new one. A token string that was ever issued is
   * `taken`. Safe to repeat with the same row after an unknown outcome: the same row is `inserted`.
   */
  insert(row: NewToken): Promise<InsertResult>;

  /** Links a token to one more subject; nothing happens when the link exists. */
  link(link: TokenKey & { subjectId: string }): Promise<void>;

  /**
   * Ends a token for good: mapping and links are gone when it resolves, and the string stays taken.
   * True when this call did it, false when there was no live token.
   */
  revoke(key: TokenKey): Promise<boolean>;

  /**
   * The subject with this keyed digest (32 bytes), created with `sealedSecret` when it is new. All
   * callers, racing or not, get the same row.
   */
  ensureSubject(subject: {
    vaultId: number;
    digest: Buffer;
    sealedSecret: Buffer;
  }): Promise<SubjectRow>;

  /** Live tokens that are linked to the subject with this keyed digest, at most `limit` of them. */
  findOfSubject(subject: { vaultId: number; digest: Buffer; limit: number }): Promise<string[]>;
}
