import { VaultError } from '../../domain/errors.ts';
import { applyMask, type Mask } from '../../domain/masks/masks.ts';
import type { Decision } from '../../domain/policy/decide.ts';
import type { Field } from '../../domain/policy/policy.ts';
import type { DetokenizeOutput, RevealContext } from '../operation.ts';
import type { Session } from './access.ts';
import type { OperationDeps } from './deps.ts';
import type { Found } from './find-token.ts';
import { ff1Codec } from './issue-vaultless.ts';
import { orFresh } from './or-fresh.ts';
import { scopeOf } from './permitted-field.ts';
import { findPermitted, type TokenAsk } from './permitted-token.ts';
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
): Promise<DetokenizeOutput> {
  return orFresh(deps, session, (reading) => revealFound(deps, reading, ask));
}

type RevealAsk = Omit<TokenAsk, 'action'> & { reveal: RevealContext & { view: string } };

async function revealFound(
  deps: OperationDeps,
  session: Session,
  ask: RevealAsk,
): Promise<DetokenizeOutput> {
  const { found, field, decision } = await findPermitted(deps, session, {
    ...ask,
    action: 'detokenize',
  });
  const { view } = ask.reveal;
  const mask = findMask(field, view);
  await spend(deps, session, decision);
  await takeReveal(deps, found);
  const value = await open(session, found);
  const shown =
    mask === undefined ? value : applyMask({ mask, value, join: session.cipher.digests.join });
  return { value: shown, field: field.name, view };
}

/** @throws VaultError `view_not_granted` for a view that the field does not have */
function findMask(field: Field, view: string): Mask | undefined {
  const mask = field.views.get(view);
  if (view !== 'full' && mask === undefined) throw new VaultError('view_not_granted');
  return mask;
}

/** @throws VaultError `budget_exhausted` */
async function spend(
  { budgets }: Pick<OperationDeps, 'budgets'>,
  { call: { principal }, vault, cipher }: Session,
  { obligations: { budget } }: Decision,
): Promise<void> {
  if (budget !== undefined) await budgets.spend({ vault, cipher, principal, budget, items: 1 });
}

/** @throws VaultError `token_not_found` when another call took the last one */
async function takeReveal(
  { tokens, volatile }: Pick<OperationDeps, 'tokens' | 'volatile'>,
  found: Found,
): Promise<void> {
  const isTaken = await (() => {
    switch (found.kind) {
      case 'stored':
        return found.row.revealsLeft === undefined || tokens.takeReveal(found.key);
      case 'volatile':
        return volatile.takeReveal(found.key);
      default:
        return true;
    }
  })();
  if (!isTaken) throw new VaultError('token_not_found');
}

/** The clear value. What was moved, swapped or altered is `internal`, but for FF1, which cannot tell. */
async function open(session: Session, found: Found): Promise<string> {
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
