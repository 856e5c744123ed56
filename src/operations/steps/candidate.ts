import type { Soon } from '../../domain/soon.ts';
import type { TokenSpace } from '../../domain/tokens/format.ts';
import { shardOf } from '../../domain/tokens/shard.ts';
import { normalise } from '../../domain/values/normalise.ts';
import type { TokenizeInput } from '../operation.ts';
import type { NewToken, SmallToken, SubjectRow } from '../ports/token-store.ts';
import type { Session } from './access.ts';
import type { OperationDeps } from './deps.ts';
import type { Repeat } from './idempotency.ts';
import { lifeOf } from './lifetime.ts';
import { type FieldPlace, scopeOf } from './permitted-field.ts';
import { encodeMetadata, sealContent } from './sealing.ts';
import { tagsOf } from './tags.ts';

/** One value to be tokenized in a field that the caller may fill. */
export type IssueAsk = FieldPlace & { input: TokenizeInput; repeat?: Repeat | undefined };

/** A value about to be stored under a token: checked and normalised. */
export type Candidate = FieldPlace & {
  value: string;
  space: TokenSpace;
  scope: string;
  metadata: string | undefined;
  tags: readonly Buffer[];
  life: ReturnType<typeof lifeOf>;
};

/**
 * Checks all that a request says of a value, before anything is looked up. Known values, which keep what
 * they have, are checked alike: else a request that is wrong in one of these would tell, at no cost and
 * leaving no token behind, whether the vault holds the value.
 * @throws VaultError `value_invalid`, `invalid_request`
 */
export function checkCandidate(
  deps: Pick<OperationDeps, 'clock'>,
  session: Session,
  { field, fieldId, input }: FieldPlace & { input: TokenizeInput },
): Candidate {
  const value = normalise(field.type, input.value, field.maxBytes);
  return {
    field,
    fieldId,
    value,
    space: field.token.format.spaceOf(value),
    scope: scopeOf(field, session, input.subject),
    metadata: encodeMetadata(input.metadata),
    tags: tagsOf(session.cipher.digests, input.metadata),
    life: lifeOf(field, input.expiresAt, deps.clock.now()),
  };
}

/** The row of the person that a request names, made where it is new. */
export function ensureSubject(
  deps: Pick<OperationDeps, 'tokens'>,
  { vault, cipher }: Session,
  subject: string | undefined,
): Soon<SubjectRow | undefined> {
  if (subject === undefined) return undefined;
  const digest = cipher.subjectDigest(subject);
  const fresh = cipher.newSubjectSecret();
  const sealedSecret = cipher.sealSubjectSecret(fresh, digest);
  fresh.wipe();
  return deps.tokens.ensureSubject({ vaultId: vault.id, digest, sealedSecret });
}

/** The row of a candidate under this token, linked to `subject`. */
export function rowOf(
  session: Session,
  candidate: Candidate,
  { token, subject }: { token: string; subject: SubjectRow | undefined },
): NewToken {
  const { vault, cipher } = session;
  const { field, fieldId, value, metadata, tags, life } = candidate;
  // Deterministic values are shared between subjects and have no owner (DESIGN §7).
  const owner = field.token.mode === 'deterministic' ? undefined : subject;
  const { sealed, metadata: sealedMetadata } = sealContent(
    cipher,
    { value, metadata },
    { fieldId, token, owner },
  );
  // Member by member: as many objects spread into one took longer, and left four times as much garbage.
  const row: NewToken = {
    vaultId: vault.id,
    shard: shardOf(token),
    token,
    fieldId,
    sealedForSubject: owner !== undefined,
    sealed,
  };
  if (sealedMetadata !== undefined) row.metadata = sealedMetadata;
  if (subject !== undefined) row.subjectId = subject.id;
  if (field.token.format.isSmall) row.small = smallOf(session, candidate, token);
  if (tags.length > 0) row.tags = tags;
  if (field.maxReveals !== undefined) row.revealsLeft = field.maxReveals;
  if (life.expiresAt !== undefined) row.expiresAt = life.expiresAt;
  return row;
}

/** What a token of a small format leaves behind when it ends. */
function smallOf(
  { cipher: { digests } }: Session,
  { fieldId, space: { kept } }: Candidate,
  token: string,
): SmallToken {
  return { tombstone: digests.tombstone(token), space: digests.space(fieldId, kept) };
}
