import type {
  FingerprintKey,
  IdempotentAnswer,
  ImportedToken,
  ImportResult,
  InsertResult,
  NewToken,
} from '../../operations/ports/token-store.ts';
import {
  answerTo,
  digestName,
  findHolder,
  isLive,
  subjectOf,
  type TokenTableRow,
  type TokenTables,
  tokenName,
  toStored,
} from './token-tables.ts';

/** What insert and import are decided by. */
type Place = {
  /** The row that has this string. */
  existing: TokenTableRow | undefined;
  /** The string is or was in use. */
  isUsed: boolean;
  /** The row that holds this fingerprint, dead or alive. */
  holder: TokenTableRow | undefined;
  /** The same, when it is alive. */
  known: TokenTableRow | undefined;
  /** It names a subject who does not exist. */
  isSubjectGone: boolean;
};

/** Decides on one new token, and stores it: see `TokenStore.insert`. */
export function insertToken(tables: TokenTables, row: NewToken, nowMs: number): InsertResult {
  const { vaultId, fingerprint, idempotency } = row;
  const answer = idempotency && answerTo(tables, { vaultId, key: idempotency.key }, nowMs);
  if (idempotency !== undefined && answer !== undefined) return repeated(idempotency, answer);
  const key = fingerprint && { ...row, fingerprint };
  const place = placeOf(tables, { row, key, nowMs });
  if (place.existing?.sealed.equals(row.sealed)) return { kind: 'inserted' };
  if (place.known !== undefined)
    return { kind: 'known', row: toStored(tables, place.known, nowMs) };
  if (place.isUsed) return { kind: 'taken' };
  if (place.isSubjectGone) return { kind: 'subject_gone' };
  store(tables, { row, key, place, nowMs });
  return { kind: 'inserted' };
}

/** The same sealed answer is our own, of an earlier attempt. */
function repeated(ours: IdempotentAnswer, answer: IdempotentAnswer): InsertResult {
  return ours.answer.equals(answer.answer) ? { kind: 'inserted' } : { kind: 'replayed', answer };
}

/** Decides on one imported token, and stores it: see `TokenStore.import`. */
export function importToken(tables: TokenTables, row: ImportedToken, nowMs: number): ImportResult {
  const key = row.alias && { ...row, ...row.alias };
  const place = placeOf(tables, { row, key, nowMs });
  if (place.existing?.sealed.equals(row.sealed)) return { kind: 'imported' };
  const same = sameToken(place, { row, nowMs });
  if (same !== undefined) return { kind: 'same_token', row: toStored(tables, same, nowMs) };
  if (place.isUsed) return { kind: 'token_taken' };
  if (place.known !== undefined) return { kind: 'value_known' };
  if (place.isSubjectGone) return { kind: 'subject_gone' };
  store(tables, { row, key, place, nowMs });
  return { kind: 'imported' };
}

function sameToken(
  { existing, known }: Place,
  { row, nowMs }: { row: ImportedToken; nowMs: number },
): TokenTableRow | undefined {
  if (existing === undefined) return undefined;
  const isSame = row.alias === undefined ? existing.fieldId === row.fieldId : existing === known;
  return isSame && isLive(existing, nowMs) ? existing : undefined;
}

function placeOf(
  tables: TokenTables,
  asked: { row: NewToken | ImportedToken; key: FingerprintKey | undefined; nowMs: number },
): Place {
  const { row, key, nowMs } = asked;
  const existing = tables.rows.get(tokenName(row));
  const isBuried =
    row.small !== undefined && tables.tombstones.has(digestName(row.vaultId, row.small.tombstone));
  const holder = key && findHolder(tables, key);
  return {
    existing,
    isUsed: existing !== undefined || tables.revoked.has(tokenName(row)) || isBuried,
    holder,
    known: holder !== undefined && isLive(holder, nowMs) ? holder : undefined,
    isSubjectGone: row.subjectId !== undefined && subjectOf(tables, row) === undefined,
  };
}

function store(
  tables: TokenTables,
  what: {
    row: NewToken | ImportedToken;
    key: FingerprintKey | undefined;
    place: Place;
    nowMs: number;
  },
): void {
  const { row, key, place, nowMs } = what;
  const { idempotency, ...stored }: NewToken = row;
  if (place.holder !== undefined) delete place.holder.holder;
  tables.rows.set(tokenName(row), {
    ...stored,
    createdAt: new Date(nowMs),
    ...(key !== undefined && { holder: key }),
    subjectIds: new Set(row.subjectId === undefined ? [] : [row.subjectId]),
  });
  if (idempotency === undefined) return;
  tables.answers.set(digestName(row.vaultId, idempotency.key), {
    ...idempotency,
    ...(row.subjectId !== undefined && { subjectId: row.subjectId }),
    atMs: nowMs,
  });
}
