import type {
  FingerprintKey,
  IdempotentAnswer,
  ImportedToken,
  NewToken,
  StoredToken,
  SubjectRow,
  TokenKey,
} from '../../operations/ports/token-store.ts';

/** How long the answer of an idempotent call is kept, in milliseconds. */
export const ANSWER_LIFE_MS = 24 * 3_600_000;

/** A stored token. `holder` is where its value's fingerprint lies, until a dead token loses it. */
export type TokenTableRow = Omit<NewToken, 'fingerprint' | 'idempotency'> &
  Pick<ImportedToken, 'alias'> & {
    createdAt: Date;
    holder?: Omit<FingerprintKey, 'vaultId' | 'fieldId'>;
    /** Everybody whom it belongs to. */
    subjectIds: Set<string>;
  };

type Answer = IdempotentAnswer & { subjectId?: string; atMs: number };

/** Of a token of a small format that ended. */
type Tombstone = { vaultId: number; fieldId: number; space: number };

/** What the stores of tokens in memory share, as those in Postgres share a schema. */
export type TokenTables = ReturnType<typeof makeTokenTables>;

/** Empty tables. */
export function makeTokenTables() {
  let lastSubjectId = 0;
  return {
    nextSubjectId: () => {
      lastSubjectId += 1;
      return String(lastSubjectId);
    },
    /** By `tokenName`. */
    rows: new Map<string, TokenTableRow>(),
    /** When, in epoch milliseconds. */
    revoked: new Map<string, number>(),
    /** By vault and digest: see `digestName`. */
    tombstones: new Map<string, Tombstone>(),
    answers: new Map<string, Answer>(),
    /** By vault and digest. */
    subjects: new Map<string, SubjectRow>(),
    /** By vault, digest and time: how many rows went. */
    erasures: new Map<string, number>(),
  };
}

/** One text per token of any vault. */
export function tokenName({ vaultId, token }: Pick<TokenKey, 'vaultId' | 'token'>): string {
  return `${vaultId}/${token}`;
}

/** One text per keyed digest of any vault. */
export function digestName(vaultId: number, digest: Buffer): string {
  return `${vaultId}/${digest.toString('hex')}`;
}

/** False once it has expired, or its last reveal was taken. */
export function isLive({ expiresAt, revealsLeft }: TokenTableRow, nowMs: number): boolean {
  return revealsLeft !== 0 && (expiresAt === undefined || expiresAt.getTime() > nowMs);
}

/** Deletes a row, with what stays of it in a small format: the keyed digest of its token. */
export function endRow(tables: TokenTables, row: TokenTableRow, tombstone?: Buffer): void {
  tables.rows.delete(tokenName(row));
  if (row.small !== undefined && tombstone !== undefined) {
    const { vaultId, fieldId } = row;
    const { space } = row.small;
    tables.tombstones.set(digestName(vaultId, tombstone), { vaultId, fieldId, space });
  }
}

/** A row as the ports give it out. */
export function toStored(tables: TokenTables, row: TokenTableRow, nowMs: number): StoredToken {
  const { token, shard, fieldId, sealed, createdAt, metadata, expiresAt, revealsLeft } = row;
  const subject = row.sealedForSubject ? subjectOf(tables, row) : undefined;
  return {
    token,
    shard,
    fieldId,
    sealed,
    createdAt,
    ...(metadata !== undefined && { metadata }),
    ...(expiresAt !== undefined && { expiresAt }),
    ...(revealsLeft !== undefined && { revealsLeft }),
    ...(subject !== undefined && { subject }),
    readAtMs: nowMs,
  };
}

/** The subject that a row names, if there is one. */
export function subjectOf(
  { subjects }: TokenTables,
  { subjectId }: Pick<NewToken, 'subjectId'>,
): SubjectRow | undefined {
  return [...subjects.values()].find(({ id }) => id === subjectId);
}

/** The row that holds a fingerprint, dead or alive. */
export function findHolder(tables: TokenTables, key: FingerprintKey): TokenTableRow | undefined {
  return [...tables.rows.values()].find((row) => holds(row, key));
}

function holds(row: TokenTableRow, key: FingerprintKey): boolean {
  const { holder } = row;
  return (
    holder !== undefined &&
    row.vaultId === key.vaultId &&
    row.fieldId === key.fieldId &&
    holder.shard === key.shard &&
    holder.fingerprint.version === key.fingerprint.version &&
    holder.fingerprint.digest.equals(key.fingerprint.digest)
  );
}

/** What an earlier call left, unless it is too old to count. */
export function answerTo(
  { answers }: TokenTables,
  { vaultId, key }: { vaultId: number; key: Buffer },
  nowMs: number,
): IdempotentAnswer | undefined {
  const kept = answers.get(digestName(vaultId, key));
  if (kept === undefined || nowMs - kept.atMs >= ANSWER_LIFE_MS) return undefined;
  return { key: kept.key, body: kept.body, answer: kept.answer };
}
