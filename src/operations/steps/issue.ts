import { VaultError } from '../../domain/errors.ts';
import type { Field } from '../../domain/policy/policy.ts';
import { drawOpaque } from '../../domain/tokens/opaque.ts';
import { shardOf } from '../../domain/tokens/shard.ts';
import { normalise } from '../../domain/values/normalise.ts';
import type { TokenizeInput } from '../operation.ts';
import type { FingerprintKey, NewToken, StoredToken, SubjectRow } from '../ports/token-store.ts';
import { checkField, type Session, unknownField } from './access.ts';
import type { OperationDeps } from './deps.ts';
import { lifeOf } from './lifetime.ts';
import { encodeMetadata, openValue, sealContent } from './sealing.ts';

/** Draws that may meet a token in use before the format counts as full (DESIGN §6). */
const MAX_DRAWS = 16;

/** A value about to be tokenized, checked and normalised. */
type Candidate = {
  field: Field;
  fieldId: number;
  value: string;
  scope: string;
  subject?: SubjectRow;
  metadata: string | undefined;
  life: ReturnType<typeof lifeOf>;
};

/**
 * The field of a request, when the caller may do `action` on it.
 * @throws VaultError `field_unknown`, `forbidden`
 */
export function permittedField(
  deps: OperationDeps,
  session: Session,
  asked: { action: 'tokenize' | 'lookup'; field: string; items: number },
): { field: Field; fieldId: number } {
  const { vault } = session;
  const field = vault.policy.fields.get(asked.field);
  const fieldId = vault.fieldIds.get(asked.field);
  if (field === undefined || fieldId === undefined) {
    throw unknownField();
  }
  const { action, items } = asked;
  checkField(session, field, { action, items, atMs: deps.clock.now() });
  return { field, fieldId };
}

/** Swaps one value for its token; durable when it resolves. The same for new and known values. */
export async function issue(
  deps: OperationDeps,
  session: Session,
  { input, items }: { input: TokenizeInput; items: number },
): Promise<string> {
  const { field, fieldId } = permittedField(deps, session, {
    action: 'tokenize',
    field: input.field,
    items,
  });
  const value = normalise(field.type, input.value, field.maxBytes);
  const scope = scopeOf(field, session, input.subject);
  // Checked for known values, too, which keep theirs: else a request that is wrong in one of these
  // would tell, at no cost and leaving no token behind, whether the vault holds the value.
  const metadata = encodeMetadata(input.metadata);
  const life = lifeOf(field, input.expiresAt, deps.clock.now());
  const subject = await findSubject(deps, session, input.subject);
  const candidate = {
    field,
    fieldId,
    value,
    scope,
    metadata,
    life,
    ...(subject === undefined ? {} : { subject }),
  };
  return field.token.mode === 'deterministic'
    ? issueDeterministic(deps, session, candidate)
    : insertNew(deps, session, candidate, undefined);
}

/** What equality is confined to, as it goes into the fingerprint. Empty for the whole vault. */
export function scopeOf(field: Field, { call }: Session, subject: string | undefined): string {
  if (field.scope === 'vault') return '';
  if (field.scope === 'caller')
    return JSON.stringify([call.principal.issuer, call.principal.subject]);
  if (subject === undefined) {
    throw new VaultError('value_invalid', {
      problems: [{ path: '/subject', rule: 'scope_needs_subject' }],
    });
  }
  return subject;
}

/** Where the token of a known value lies: its fingerprint, and the shard that placement gives. */
export function fingerprintKey(
  { vault, cipher }: Session,
  known: { fieldId: number; scope: string; value: string },
): FingerprintKey {
  return {
    vaultId: vault.id,
    fieldId: known.fieldId,
    shard: cipher.placement(known),
    fingerprint: cipher.fingerprint(known),
  };
}

/**
 * Opens the row behind a fingerprint and compares before it is trusted: neither a collision nor a
 * fingerprint edited in the database may hand out another value's token.
 */
export function checkKnown(session: Session, row: StoredToken, value: string): void {
  if (openValue(session, row) !== value) {
    throw new VaultError('internal', { detail: 'a fingerprint names the row of another value' });
  }
}

async function findSubject(
  deps: OperationDeps,
  { vault, cipher }: Session,
  subject: string | undefined,
): Promise<SubjectRow | undefined> {
  if (subject === undefined) return undefined;
  const digest = cipher.subjectDigest(subject);
  const fresh = cipher.newSubjectSecret();
  const sealedSecret = cipher.sealSubjectSecret(fresh, digest);
  fresh.wipe();
  return deps.tokens.ensureSubject({ vaultId: vault.id, digest, sealedSecret });
}

async function issueDeterministic(
  deps: OperationDeps,
  session: Session,
  candidate: Candidate,
): Promise<string> {
  const key = fingerprintKey(session, candidate);
  const known = await deps.tokens.findByFingerprint(key);
  if (known === undefined) return insertNew(deps, session, candidate, key);
  return useKnown(deps, session, candidate, known);
}

/** A known value keeps its token, expiry and metadata; another subject adds a link. */
async function useKnown(
  deps: OperationDeps,
  session: Session,
  { value, subject }: Candidate,
  row: StoredToken,
): Promise<string> {
  checkKnown(session, row, value);
  if (subject !== undefined) {
    const { token } = row;
    await deps.tokens.link({
      vaultId: session.vault.id,
      shard: shardOf(token),
      token,
      subjectId: subject.id,
    });
  }
  return row.token;
}

async function insertNew(
  deps: OperationDeps,
  session: Session,
  candidate: Candidate,
  key: FingerprintKey | undefined,
): Promise<string> {
  for (let draw = 0; draw < MAX_DRAWS; draw += 1) {
    const row = newRow(deps, session, candidate, key);
    const result = await deps.tokens.insert(row);
    if (result.kind === 'inserted') return row.token;
    if (result.kind === 'known') return useKnown(deps, session, candidate, result.row);
  }
  throw new VaultError('token_space_exhausted');
}

/** A row ready to store. */
function newRow(
  deps: OperationDeps,
  session: Session,
  candidate: Candidate,
  key: FingerprintKey | undefined,
): NewToken {
  const { vault, cipher } = session;
  const { field, fieldId, subject, value, metadata, life } = candidate;
  const token = drawOpaque({
    prefix: field.token.prefix,
    random: deps.random,
    ...(key === undefined ? {} : { shard: key.shard }),
  });
  // Deterministic values are shared between subjects and have no owner (DESIGN §7).
  const owner = key === undefined ? subject : undefined;
  return {
    vaultId: vault.id,
    shard: shardOf(token),
    token,
    fieldId,
    sealedForSubject: owner !== undefined,
    ...sealContent(cipher, { value, metadata }, { fieldId, token, owner }),
    ...(key === undefined ? {} : { fingerprint: key.fingerprint }),
    ...(subject === undefined ? {} : { subjectId: subject.id }),
    ...life,
  };
}
