import { VaultError } from '../../domain/errors.ts';
import type { Decision } from '../../domain/policy/decide.ts';
import type { Action, Field } from '../../domain/policy/policy.ts';
import { type Soon, whenThere } from '../../domain/soon.ts';
import type { RevealContext } from '../operation.ts';
import type { ReadNotes } from '../ports/token-reads.ts';
import { checkField, type Session, unknownField } from './access.ts';
import type { OperationDeps } from './deps.ts';
import { type Found, findToken } from './find-token.ts';

/** A token whose field the caller may act on, and what the decision obliges to. */
export type Permitted = { found: Found; field: Field; decision: Decision };

/** One action on one token: what is asked, with what explanation. */
export type TokenAsk = {
  action: Action;
  token: string;
  /** The field that the caller believes the token is of; another one is `token_not_found`. */
  field?: string | undefined;
  items: number;
  reveal?: RevealContext;
  /**
   * What was decided for fields of earlier items of this attempt that asked the same; added to. Refusals are not
   * kept, nor would they differ: all decisions of an attempt are for one moment (`Session`).
   */
  decided?: Map<Field, Decision>;
};

/**
 * Finds a token and checks the grant on its field. A token that is malformed, unknown, expired, used up,
 * revoked, of another field than said, or of a field without a grant is the same `token_not_found`.
 * @throws VaultError `field_unknown`, and the refusals of the policy
 */
export function findPermitted(
  deps: OperationDeps,
  session: Session,
  ask: TokenAsk,
): Soon<Permitted> {
  const { policy, fieldNames } = session.vault;
  const named = ask.field === undefined ? undefined : policy.fields.get(ask.field);
  if (ask.field !== undefined && named === undefined) throw unknownField();
  const notes = notesFor(session, ask.action);
  return whenThere(findToken(deps, session, { token: ask.token, named, notes }), (found) => {
    const field = found && policy.fields.get(fieldNames.get(found.fieldId) ?? '');
    if (found === undefined || field === undefined || (named ?? field) !== field) {
      throw new VaultError('token_not_found');
    }
    return { found, field, decision: decideOnce(session, { ...ask, field }) };
  });
}

function decideOnce(
  session: Session,
  { reveal, action, items, decided, field }: Omit<TokenAsk, 'field'> & { field: Field },
): Decision {
  const known = decided?.get(field);
  if (known !== undefined) return known;
  const decision = checkField(session, field, { ...reveal, action, items });
  decided?.set(field, decision);
  return decision;
}

/** Only a reveal may come from a cache: who inspects or ends a token needs its row as it is. */
function notesFor({ notes }: Session, action: Action): ReadNotes {
  return action === 'detokenize' ? notes : { ...notes, isFresh: true };
}
