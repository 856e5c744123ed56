import { VaultError } from '../../domain/errors.ts';
import type { VolatileToken } from '../ports/volatile-store.ts';
import type { Session } from './access.ts';
import { type Candidate, checkCandidate, type IssueAsk } from './candidate.ts';
import type { OperationDeps } from './deps.ts';
import { MAX_DRAWS } from './issue-stored.ts';

/** No volatile value lives longer, whatever the policy or the caller says (DESIGN §6). */
const MAX_LIFE_MS = 3_600_000;

/**
 * Gives a value a token for an hour at most, and keeps both in memory only. What would need more than that
 * is refused: a subject, because erasing a person finds what the database knows of, and an Idempotency-Key,
 * because its answer would be stored.
 * @throws VaultError `value_invalid`, `invalid_request`, `token_space_exhausted`
 */
export async function issueVolatile(
  deps: OperationDeps,
  session: Session,
  ask: IssueAsk,
): Promise<string> {
  const { field, input, repeat } = ask;
  if (repeat !== undefined) {
    const problems = [{ path: 'Idempotency-Key', rule: 'not_supported' }];
    throw new VaultError('invalid_request', { problems });
  }
  if (input.subject !== undefined) {
    const problems = [{ path: '/subject', rule: 'volatile' }];
    throw new VaultError('value_invalid', { problems });
  }
  const candidate = checkCandidate(deps, session, ask);
  const span = spanOf(candidate, deps.clock.now());
  for (let draw = 0; draw < MAX_DRAWS; draw += 1) {
    const token = candidate.space.draw(deps.random);
    if (token === undefined || token === candidate.value) continue;
    const row = volatileRow(session, candidate, { token, ...span });
    if (await deps.volatile.put(row, field.maxReveals)) return token;
  }
  throw new VaultError('token_space_exhausted');
}

type Span = { createdAtMs: number; expiresAtMs: number };

function spanOf({ life }: Candidate, nowMs: number): Span {
  const end = life.expiresAt?.getTime() ?? Number.POSITIVE_INFINITY;
  return { createdAtMs: nowMs, expiresAtMs: Math.min(end, nowMs + MAX_LIFE_MS) };
}

function volatileRow(
  { vault, cipher }: Session,
  { fieldId, value, metadata }: Candidate,
  place: Span & { token: string },
): VolatileToken {
  const { token } = place;
  return {
    vaultId: vault.id,
    fieldId,
    ...place,
    sealed: cipher.sealVolatile(value, { fieldId, ...place }),
    ...(metadata === undefined
      ? {}
      : { metadata: cipher.sealMetadata(metadata, { fieldId, token }) }),
  };
}
