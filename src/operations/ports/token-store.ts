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
  /** Of small formats (`TokenFormat.isSmall`). */
  small?: SmallToken;
  /** Keyed digests of the tags in its metadata, 16 bytes each, none twice. */
  tags?: readonly Buffer[];
  /** Reveals after which it is gone; at least 1. */
  revealsLeft?: number;
  /** Makes the call that inserts this row repeatable. */
  idempotency?: IdempotentAnswer;
};

/**
 * What a token of a small format leaves behind: `tombstone`, a keyed digest of the string (16 bytes), and
 * `space`, a keyed 16-bit digest of what it keeps of its value (−32,768 to 32,767), to count by.
 */
export type SmallToken = { tombstone: Buffer; space: number };

/** `key` and `body` are keyed digests (32 bytes) of the call and of its body; `answer` is sealed. */
export type IdempotentAnswer = { key: Buffer; body: Buffer; answer: Buffer };

export type StoredToken = {
  token: string;
  /** The row's place; for rows behind a fingerprint it may differ from the fingerprint's shard (imports). */
  shard: number;
  fieldId: number;
  sealed: Buffer;
  metadata?: Buffer;
  createdAt: Date;
  expiresAt?: Date;
  /** Present when the number of reveals is limited: how many there were left when it was read. */
  revealsLeft?: number;
  /** Present when the row is sealed under this subject's secret. */
  subject?: SubjectRow;
  /** When it was read, by the store's clock; milliseconds since the epoch. */
  readAtMs: number;
};

/**
 * `known`: a live row holds this fingerprint already; it is the answer. `taken`: this token string is or
 * was in use. `replayed`: the idempotency key was used before, nothing was stored, and this is what the
 * first call left. `subject_gone`: the subject was erased meanwhile; make it anew and try again.
 */
export type InsertResult =
  | { kind: 'inserted' }
  | { kind: 'known'; row: StoredToken }
  | { kind: 'taken' }
  | { kind: 'replayed'; answer: IdempotentAnswer }
  | { kind: 'subject_gone' };

/**
 * `imported`: stored. `same_token`: this very token stands for this very fingerprint already, or for random
 * fields: it is live in this very field, and the caller must compare its value. `token_taken`: the string
 * is or was in use otherwise. `value_known`: the value has another token. `subject_gone`: as of inserts.
 */
export type ImportResult =
  | { kind: 'imported' }
  | { kind: 'same_token'; row: StoredToken }
  | { kind: 'token_taken' }
  | { kind: 'value_known' }
  | { kind: 'subject_gone' };

/**
 * A token that was issued elsewhere. Its own shard is `shardOf(token)` as ever; `alias` holds the value's
 * fingerprint in the shard of placement, for deterministic fields only: a row whose token starts with `~`.
 */
export type ImportedToken = Omit<NewToken, 'fingerprint' | 'idempotency'> & {
  alias?: { shard: number; token: string; sealed: Buffer; fingerprint: Fingerprint };
};

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

  /**
   * Stores a token of the caller's own; durable when it resolves, and safe to repeat. Under any race a
   * string has one row, and a fingerprint one token, whether drawn or imported.
   */
  import(row: ImportedToken): Promise<ImportResult>;

  /** What an earlier call with this idempotency key left, for 24 h after it. */
  findAnswer(call: { vaultId: number; key: Buffer }): Promise<IdempotentAnswer | undefined>;

  /**
   * Uses up one reveal of a live token whose reveals are limited: true when there was one left. Durable
   * when it resolves: a crash after it costs a reveal, and no race gives one too many.
   */
  takeReveal(key: TokenKey): Promise<boolean>;

  /** Links a token to one more subject; nothing happens when the link exists. */
  link(link: TokenKey & { subjectId: string }): Promise<void>;

  /**
   * Ends a token for good: mapping and links are gone when it resolves, and the string stays taken.
   * True when this call did it, false when there was no live token. `tombstone` for small formats, as in
   * `SmallToken`: the row knows its space.
   */
  revoke(key: TokenKey & { tombstone?: Buffer }): Promise<boolean>;

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
