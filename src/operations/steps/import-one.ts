import { VaultError } from '../../domain/errors.ts';
import type { Field } from '../../domain/policy/policy.ts';
import { isTokenText, sivPrefixOf } from '../../domain/tokens/recognise.ts';
import { normalise } from '../../domain/values/normalise.ts';
import type { ValueType } from '../../domain/values/types.ts';
import type { ImportItem } from '../operation.ts';
import type { ImportedToken, ImportResult, StoredToken, SubjectRow } from '../ports/token-store.ts';
import type { Session } from './access.ts';
import { type Candidate, checkCandidate, ensureSubject, rowOf } from './candidate.ts';
import type { OperationDeps } from './deps.ts';
import { fingerprintKey } from './known-value.ts';
import { permittedField } from './permitted-field.ts';
import { openValue, sealContent } from './sealing.ts';

/** A person erased again and again while their value is imported: nobody is that unlucky. */
const MAX_TRIES = 4;

type Imported = Candidate & { subject: SubjectRow | undefined };

/**
 * Stores a value under a token that it has already; durable when it resolves. The same pair again is the same
 * success, and adds a link where it names another subject.
 * @throws VaultError `token_conflict` when the token stands for something else, or the value has another one
 */
export async function importOne(
  deps: OperationDeps,
  session: Session,
  { input, items }: { input: ImportItem; items: number },
): Promise<void> {
  const asked = { action: 'token.import', field: input.field, items } as const;
  const place = permittedField(session, asked);
  checkMode(place.field);
  const candidate = checkCandidate(deps, session, { ...place, input });
  checkToken(session, candidate, input.token);
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const subject = await ensureSubject(deps, session, input.subject);
    const row = rowOf(session, candidate, { token: input.token, subject });
    const result = await deps.tokens.import({ ...row, ...aliasOf(session, candidate, row.token) });
    if (result.kind === 'imported') return;
    if (result.kind === 'subject_gone') continue;
    checkSame(session, { ...candidate, subject }, result);
    if (subject === undefined) return;
    const { vaultId, shard, token } = row;
    await deps.tokens.link({ vaultId, shard, token, subjectId: subject.id });
    // The row may have ended with the erasure of the only other person: then it takes another try.
    if ((await deps.tokens.find(row)) !== undefined) return;
  }
  throw new VaultError('store_unavailable', { detail: 'a subject is being erased' });
}

/** Only fields that store tokens can take some over. */
function checkMode({ token: { mode } }: Field): void {
  if (mode === 'random' || mode === 'deterministic') return;
  throw new VaultError('value_invalid', { problems: [{ path: '/field', rule: 'not_importable' }] });
}

/**
 * A token may look like anything, but not like what another mode of the vault would claim, nor like the value
 * itself in any spelling, nor, where the values are card numbers, like one of those.
 * @throws VaultError `value_invalid` at `/token`
 */
function checkToken({ vault }: Session, { field, value }: Candidate, token: string): void {
  const isClaimed = [...vault.policy.fields.values()].some(
    ({ token: { mode, format } }) => mode === 'volatile' && format.matches(token),
  );
  if (!isImportable(token) || isClaimed) throw invalidToken('token_form');
  const spelt = normalFormOf(field, token);
  if (token === value || spelt === value) throw invalidToken('token_is_value');
  if (field.type.kind === 'card' && spelt !== undefined) throw invalidToken('token_is_card');
}

/** Printable ASCII without spaces, and nothing that a field of mode `siv` could have made. */
function isImportable(token: string): boolean {
  return isTokenText(token) && !token.includes(' ') && sivPrefixOf(token) === undefined;
}

function invalidToken(rule: string): VaultError {
  return new VaultError('value_invalid', { problems: [{ path: '/token', rule }] });
}

/** What the token would be as a value of its field, if it can be one. */
function normalFormOf({ type, maxBytes }: { type: ValueType; maxBytes: number }, token: string) {
  try {
    return normalise(type, token, maxBytes);
  } catch {
    return undefined;
  }
}

/** The row that holds a deterministic value's fingerprint in its shard. It is sealed like any other. */
function aliasOf(
  session: Session,
  { field, fieldId, value, scope }: Candidate,
  token: string,
): Pick<ImportedToken, 'alias'> {
  if (field.token.mode !== 'deterministic') return {};
  const { shard, fingerprint } = fingerprintKey(session, { fieldId, value, scope });
  const alias = `~${token}`;
  const { sealed } = sealContent(session.cipher, { value }, { fieldId, token: alias });
  return { alias: { shard, token: alias, sealed, fingerprint } };
}

/** @throws VaultError `token_conflict` */
function checkSame(
  session: Session,
  candidate: Imported,
  result: Exclude<ImportResult, { kind: 'imported' | 'subject_gone' }>,
): void {
  if (result.kind === 'same_token' && isSame(session, candidate, result.row)) return;
  const problem =
    result.kind === 'value_known'
      ? { path: '/value', rule: 'value_known' }
      : { path: '/token', rule: 'token_taken' };
  throw new VaultError('token_conflict', { problems: [problem] });
}

/** A row that is sealed for one person cannot be shared: it would end with them, and not with the other. */
function isSame(session: Session, imported: Imported, row: StoredToken): boolean {
  const { fieldId, value, subject } = imported;
  const owner = row.subject?.id;
  const isOwned = owner === undefined || subject === undefined || owner === subject.id;
  return row.fieldId === fieldId && isOwned && openValue(session, row) === value;
}
