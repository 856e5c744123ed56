import { VaultError } from '../../domain/errors.ts';
import type { Field } from '../../domain/policy/policy.ts';
import type { Ff1Codec } from '../../domain/tokens/format.ts';
import { normalise } from '../../domain/values/normalise.ts';
import type { TokenizeInput } from '../operation.ts';
import type { Session } from './access.ts';
import type { IssueAsk } from './candidate.ts';
import type { OperationDeps } from './deps.ts';
import { type FieldPlace, scopeOf } from './permitted-field.ts';

/** What would have to be kept beside a value, where nothing is kept. */
const NEED_A_ROW = ['subject', 'metadata', 'expiresAt'] as const;

/** Computes the token of a value; nothing is stored. An Idempotency-Key adds nothing here. */
export function issueVaultless(
  _deps: OperationDeps,
  session: Session,
  ask: IssueAsk,
): Promise<string> {
  return computeToken(session, ask);
}

/**
 * The token that a vaultless field has for a value.
 * @throws VaultError `value_invalid` for a value that does not fit, and (rule `vaultless`) for everything that
 * would have to be stored with it
 */
export async function computeToken(
  session: Session,
  ask: FieldPlace & { input: Omit<TokenizeInput, 'field'> },
): Promise<string> {
  const { field, fieldId, input } = ask;
  checkNeedsNoRow(input);
  const value = normalise(field.type, input.value, field.maxBytes);
  const { vaultless } = session.cipher;
  const place = { fieldId, scope: scopeOf(field, session, undefined) };
  if (field.token.mode === 'siv') {
    return vaultless.sivSeal(value, { ...place, prefix: sivPrefix(field) });
  }
  const codec = ff1Codec(field);
  const digits = await vaultless.ff1Encrypt(codec.ofValue(value), place);
  return codec.toToken(value, digits);
}

function checkNeedsNoRow(input: Omit<TokenizeInput, 'field'>): void {
  const problems = NEED_A_ROW.filter((member) => input[member] !== undefined).map((member) => ({
    path: `/${member}`,
    rule: 'vaultless',
  }));
  if (problems.length > 0) throw new VaultError('value_invalid', { problems });
}

/** How FF1 reaches into the values of a field of mode `fpe`. */
export function ff1Codec({ token: { format } }: Field): Ff1Codec {
  if (format.ff1 === undefined) {
    throw new VaultError('internal', { detail: 'a field of mode fpe whose format has no FF1' });
  }
  return format.ff1;
}

/** What stands before the tilde in the tokens of a field of mode `siv`. */
export function sivPrefix({ token: { format } }: Field): string {
  if (format.prefix === undefined) {
    throw new VaultError('internal', { detail: 'a field of mode siv whose tokens have no prefix' });
  }
  return format.prefix;
}
