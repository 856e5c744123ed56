import { VaultError } from '../../domain/errors.ts';
import type { Soon } from '../../domain/soon.ts';
import type {
  FingerprintKey,
  InsertResult,
  NewToken,
  SubjectRow,
  TokenStore,
} from '../ports/token-store.ts';
import type { Session } from './access.ts';
import { type Candidate, ensureSubject, rowOf } from './candidate.ts';
import type { OperationDeps } from './deps.ts';
import { answerOf, type Repeat, replay } from './idempotency.ts';
import { useKnown } from './known-value.ts';

/** Draws that may meet a token in use before the format counts as full (DESIGN §6). */
export const MAX_DRAWS = 16;

/** What is stored: for whom, under which fingerprint, and as whose answer. */
type Storing = {
  candidate: Candidate;
  /** The caller's reference of a person. */
  subject: string | undefined;
  key?: FingerprintKey;
  repeat?: Repeat | undefined;
};

/**
 * Draws tokens until one is free, and stores the candidate under it. A draw that lies in the wrong shard, is
 * taken, or is the very value that it should stand for is drawn anew.
 * @throws VaultError `token_space_exhausted` after 16 draws
 */
export async function storeNew(
  deps: OperationDeps,
  session: Session,
  storing: Storing,
): Promise<string> {
  const { candidate, key } = storing;
  const { space, value } = candidate;
  const reference = storing.subject;
  let subject = reference === undefined ? undefined : await ensureSubject(deps, session, reference);
  for (let draw = 0; draw < MAX_DRAWS; draw += 1) {
    const token = space.draw(deps.random, key?.shard);
    if (token === undefined || token === value) continue;
    const result = await deps.tokens.insert(newRow(session, storing, { token, subject }));
    if (result.kind === 'inserted') return token;
    if (result.kind === 'subject_gone') subject = await ensureSubject(deps, session, reference);
    const answer = await answerTo(deps, session, { result, subject, storing });
    if (answer !== undefined) return answer;
  }
  throw new VaultError('token_space_exhausted');
}

function newRow(
  session: Session,
  { candidate, key, repeat }: Storing,
  place: { token: string; subject: SubjectRow | undefined },
): NewToken {
  const row = rowOf(session, candidate, place);
  if (key !== undefined) row.fingerprint = key.fingerprint;
  if (repeat !== undefined) row.idempotency = answerOf(session, repeat, place.token);
  return row;
}

/** The token to answer with, or `undefined` when it takes another draw. */
function answerTo(
  deps: { tokens: TokenStore },
  session: Session,
  about: {
    result: InsertResult;
    subject: SubjectRow | undefined;
    storing: Storing;
  },
): Soon<string | undefined> {
  const { result, subject, storing } = about;
  const { candidate, repeat } = storing;
  switch (result.kind) {
    case 'known':
      return useKnown(deps, session, { row: result.row, value: candidate.value, subject });
    case 'replayed':
      return repeat && replay(session, repeat, result.answer);
    default:
      return undefined;
  }
}
