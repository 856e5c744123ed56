import { VaultError } from '../../domain/errors.ts';
import { applyMask, type Mask } from '../../domain/masks/masks.ts';
import type { Decision } from '../../domain/policy/decide.ts';
import type { Field } from '../../domain/policy/policy.ts';
import { type Soon, whenThere } from '../../domain/soon.ts';
import type { DetokenizeOutput, RevealContext } from '../operation.ts';
import type { Session } from './access.ts';
import type { OperationDeps } from './deps.ts';
import type { Found } from './find-token.ts';
import { ff1Codec } from './issue-vaultless.ts';
import { orFresh } from './or-fresh.ts';
import { scopeOf } from './permitted-field.ts';
import { findPermitted, type Permitted, type TokenAsk } from './permitted-token.ts';
import { openValue, openVolatile } from './sealing.ts';

/**
 * Reveals one token in the view that the policy granted. All that can refuse comes first, then the budget and
 * the reveal are taken, durably, and only then is the value opened: a crash in between costs a reveal, and
 * never gives one too many. The clear value lives in this call alone.
 */
export function reveal(
  deps: OperationDeps,
  session: Session,
  ask: RevealAsk,
): Soon<DetokenizeOutput> {
  return orFresh(deps, session, (reading) => revealFound(deps, reading, ask));
}

type RevealAsk = Omit<TokenAsk, 'action'> & { reveal: RevealContext & { view: string } };

function revealFound(
  deps: OperationDeps,
  session: Session,
  ask: RevealAsk,
): Soon<DetokenizeOutput> {
  const asked = { ...ask, action: 'detokenize' } as const;
  return whenThere(findPermitted(deps, session, asked), (permitted) => {
    const { found, field } = permitted;
    const { view } = ask.reveal;
    const mask = findMask(field, view);
    const show = (value: string): DetokenizeOutput => ({
      value: mask === undefined ? value : applyMask({ mask, value, join: digests.join }),
      field: field.name,
      view,
    });
    const { digests } = session.cipher;
    return whenThere(take(deps, session, permitted), () => whenThere(open(session, found), show));
  });
}

/** Takes the budget, then the reveal, where either is limited. */
function take(deps: OperationDeps, session: Session, { found, decision }: Permitted): Soon<void> {
  return whenThere(spend(deps, session, decision), () => takeReveal(deps, found));
}

/** @throws VaultError `view_not_granted` for a view that the field does not have */
function findMask(field: Field, view: string): Mask | undefined {
  const mask = field.views.get(view);
  if (view !== 'full' && mask === undefined) throw new VaultError('view_not_granted');
  return mask;
}

/** @throws VaultError `budget_exhausted` */
function spend(
  { budgets }: Pick<OperationDeps, 'budgets'>,
  { call: { principal }, vault, cipher }: Session,
  { obligations: { budget } }: Decision,
): Soon<void> {
  if (budget !== undefined) return budgets.spend({ vault, cipher, principal, budget, items: 1 });
}

/** @throws VaultError `token_not_found` when another call took the last one */
function takeReveal(deps: Pick<OperationDeps, 'tokens' | 'volatile'>, found: Found): Soon<void> {
  return whenThere(isTaken(deps, found), (taken) => {
    if (!taken) throw new VaultError('token_not_found');
  });
}

function isTaken(
  { tokens, volatile }: Pick<OperationDeps, 'tokens' | 'volatile'>,
  found: Found,
): Soon<boolean> {
  switch (found.kind) {
    case 'stored':
      return found.row.revealsLeft === undefined || tokens.takeReveal(found.key);
    case 'volatile':
      return volatile.takeReveal(found.key);
    default:
      return true;
  }
}

/** The clear value. What was moved, swapped or altered is `internal`, but for FF1, which cannot tell. */
function open(session: Session, found: Found): Soon<string> {
  switch (found.kind) {
    case 'stored':
      return openValue(session, found.row);
    case 'volatile':
      return openVolatile(session, found.row);
    case 'siv':
      return found.value;
    case 'fpe':
      return openFpe(session, found);
  }
}

async function openFpe(
  session: Session,
  { fieldId, token, field }: Extract<Found, { kind: 'fpe' }>,
): Promise<string> {
  const codec = ff1Codec(field);
  const numerals = codec.ofToken(token);
  if (numerals === undefined) throw new VaultError('token_not_found');
  const place = { fieldId, scope: scopeOf(field, session, undefined) };
  return codec.toValue(token, await session.cipher.vaultless.ff1Decrypt(numerals, place));
}
