import { VaultError } from '../../domain/errors.ts';
import { applyMask } from '../../domain/masks/masks.ts';
import type { Action, Field } from '../../domain/policy/policy.ts';
import { isOpaque } from '../../domain/tokens/opaque.ts';
import { shardOf } from '../../domain/tokens/shard.ts';
import type { DetokenizeOutput, RevealContext } from '../operation.ts';
import type { StoredToken, TokenKey } from '../ports/token-store.ts';
import { checkField, type Session, unknownField } from './access.ts';
import type { OperationDeps } from './deps.ts';
import { openValue } from './sealing.ts';

/** A stored token whose field the caller may act on. */
export type Permitted = { key: TokenKey; row: StoredToken; field: Field };

/** One action on one token: what is asked, with what explanation. */
export type TokenAsk = {
  action: Action;
  token: string;
  /** The field that the caller believes the token is of; another one is `token_not_found`. */
  field?: string | undefined;
  items: number;
  reveal?: RevealContext;
};

/**
 * Finds a token and checks the grant on its field. A token that is malformed, unknown, expired,
 * revoked, of another field than said, or of a field without a grant is the same `token_not_found`;
 * the text reaches the store only when it has the form of a token.
 */
export async function findPermitted(
  deps: OperationDeps,
  session: Session,
  ask: TokenAsk,
): Promise<Permitted> {
  const { vault } = session;
  if (ask.field !== undefined && !vault.policy.fields.has(ask.field)) {
    throw unknownField();
  }
  if (!isOpaque(ask.token)) throw new VaultError('token_not_found');
  const key = { vaultId: vault.id, shard: shardOf(ask.token), token: ask.token };
  const row = await deps.tokens.find(key);
  const name = row === undefined ? undefined : vault.fieldNames.get(row.fieldId);
  const field = name === undefined ? undefined : vault.policy.fields.get(name);
  if (row === undefined || field === undefined || (ask.field ?? field.name) !== field.name) {
    throw new VaultError('token_not_found');
  }
  const { action, items } = ask;
  checkField(session, field, { ...ask.reveal, action, items, atMs: deps.clock.now() });
  return { key, row, field };
}

/** Reveals one token in the view that the policy granted. The clear value lives in this call alone. */
export async function reveal(
  deps: OperationDeps,
  session: Session,
  ask: Omit<TokenAsk, 'action'> & { reveal: RevealContext & { view: string } },
): Promise<DetokenizeOutput> {
  const { row, field } = await findPermitted(deps, session, { ...ask, action: 'detokenize' });
  const value = openValue(session, row);
  const { view } = ask.reveal;
  const mask = field.views.get(view);
  if (view !== 'full' && mask === undefined) throw new VaultError('view_not_granted');
  return { value: mask === undefined ? value : applyMask(mask, value), field: field.name, view };
}
