import type {
  FingerprintKey,
  InsertResult,
  NewToken,
  StoredToken,
  SubjectRow,
  TokenKey,
  TokenStore,
} from '../../operations/ports/token-store.ts';

type Row = NewToken & { createdAt: Date; fingerprintHeld: boolean; subjectIds: Set<string> };

const keyOf = ({ vaultId, token }: Pick<TokenKey, 'vaultId' | 'token'>): string =>
  `${vaultId}/${token}`;

/**
 * The encrypted mapping in memory, for tests: it keeps the port's contract, not the data.
 *
 * @param clock judges liveness, as the database's clock does
 */
export function makeMemoryTokenStore(clock: { now(): number }): TokenStore {
  const rows = new Map<string, Row>();
  const revoked = new Set<string>();
  const subjects = makeSubjects();

  const isLive = ({ expiresAt }: Row): boolean =>
    expiresAt === undefined || expiresAt.getTime() > clock.now();

  const holderOf = (key: FingerprintKey): Row | undefined =>
    [...rows.values()].find((row) => holds(row, key));

  const toStored = (row: Row): StoredToken =>
    storedOf(row, row.sealedForSubject ? subjects.find(row) : undefined);

  function insert(row: NewToken): InsertResult {
    const existing = rows.get(keyOf(row));
    if (existing?.sealed.equals(row.sealed)) {
      return { kind: 'inserted' };
    }
    const { fingerprint } = row;
    const holder = fingerprint && holderOf({ ...row, fingerprint });
    if (holder !== undefined && isLive(holder)) {
      return { kind: 'known', row: toStored(holder) };
    }
    if (existing !== undefined || revoked.has(keyOf(row))) {
      return { kind: 'taken' };
    }
    if (holder !== undefined) {
      holder.fingerprintHeld = false;
    }
    rows.set(keyOf(row), rowOf(row, new Date(clock.now())));
    return { kind: 'inserted' };
  }

  const live = (row: Row | undefined): StoredToken | undefined =>
    row !== undefined && isLive(row) ? toStored(row) : undefined;

  return {
    find: async (key) => live(rows.get(keyOf(key))),
    findByFingerprint: async (key) => live(holderOf(key)),
    insert: async (row) => insert(row),
    link: async ({ subjectId, ...key }) => {
      const row = rows.get(keyOf(key));
      if (live(row) !== undefined) row?.subjectIds.add(subjectId);
    },
    async revoke(key) {
      if (live(rows.get(keyOf(key))) === undefined) {
        return false;
      }
      rows.delete(keyOf(key));
      revoked.add(keyOf(key));
      return true;
    },
    ensureSubject: async (subject) => subjects.ensure(subject),
    findOfSubject: async ({ vaultId, digest, limit }) => {
      const id = subjects.idOf({ vaultId, digest });
      return [...rows.values()]
        .filter((row) => row.vaultId === vaultId && isLive(row))
        .filter(({ subjectIds }) => id !== undefined && subjectIds.has(id))
        .map(({ token }) => token)
        .sort()
        .slice(0, limit);
    },
  };
}

function rowOf(row: NewToken, createdAt: Date): Row {
  const subjectIds = new Set(row.subjectId === undefined ? [] : [row.subjectId]);
  return { ...row, createdAt, fingerprintHeld: true, subjectIds };
}

function storedOf(row: Row, subject: SubjectRow | undefined): StoredToken {
  const { token, fieldId, sealed, createdAt, metadata, expiresAt } = row;
  return {
    token,
    fieldId,
    sealed,
    createdAt,
    ...(metadata !== undefined && { metadata }),
    ...(expiresAt !== undefined && { expiresAt }),
    ...(subject !== undefined && { subject }),
  };
}

function holds(row: Row, key: FingerprintKey): boolean {
  return (
    row.fingerprintHeld &&
    row.vaultId === key.vaultId &&
    row.shard === key.shard &&
    row.fieldId === key.fieldId &&
    row.fingerprint?.version === key.fingerprint.version &&
    row.fingerprint.digest.equals(key.fingerprint.digest)
  );
}

function makeSubjects() {
  const byDigest = new Map<string, SubjectRow>();
  const keyOf = ({ vaultId, digest }: { vaultId: number; digest: Buffer }) =>
    `${vaultId}/${digest.toString('hex')}`;
  return {
    idOf: (subject: { vaultId: number; digest: Buffer }) => byDigest.get(keyOf(subject))?.id,
    ensure(subject: { vaultId: number; digest: Buffer; sealedSecret: Buffer }): SubjectRow {
      const { digest, sealedSecret } = subject;
      const key = keyOf(subject);
      const row = byDigest.get(key) ?? { id: String(byDigest.size + 1), digest, sealedSecret };
      byDigest.set(key, row);
      return row;
    },
    find: ({ subjectId }: NewToken): SubjectRow | undefined =>
      [...byDigest.values()].find(({ id }) => id === subjectId),
  };
}
