import { VaultError } from '../../domain/errors.ts';
import type { IdempotentAnswer } from '../ports/token-store.ts';
import type { Session } from './access.ts';
import type { OperationDeps } from './deps.ts';

/** Makes the issue of one token repeatable: keyed digests of the call and the item's place in it, and of the body. */
export type Repeat = Pick<IdempotentAnswer, 'key' | 'body'>;

/**
 * What makes each item of a call repeatable, by its index; nothing without an Idempotency-Key. Every item
 * stands for itself, so that a batch of which only a part was stored can be sent again. The body is
 * digested once: it may be megabytes.
 */
export function repeatsOf({ call, cipher }: Session): (index: number) => Repeat | undefined {
  if (call.idempotency === undefined) return () => undefined;
  const { key, route, body } = call.idempotency;
  const { issuer, subject } = call.principal;
  const digest = cipher.digests.idempotencyBody(body);
  return (index) => ({
    // An index holds no colon: no key and index can be taken for another pair.
    key: cipher.digests.idempotencyKey({ issuer, subject, route, key: `${index}:${key}` }),
    body: digest,
  });
}

/**
 * Refuses a batch whose key was used with another body: as a whole and before anything is stored, because its
 * items would else be new ones wherever the first batch had none.
 * @throws VaultError `idempotency_mismatch`
 */
export async function checkSameBatch(
  { tokens }: Pick<OperationDeps, 'tokens'>,
  { vault }: Session,
  repeats: readonly (Repeat | undefined)[],
): Promise<void> {
  await Promise.all(
    repeats.map(async (repeat) => {
      if (repeat === undefined) return;
      const first = await tokens.findAnswer({ vaultId: vault.id, key: repeat.key });
      if (first !== undefined && !first.body.equals(repeat.body)) {
        throw new VaultError('idempotency_mismatch');
      }
    }),
  );
}

/** The answer that makes the insert of this token repeatable, sealed. */
export function answerOf(
  { cipher }: Session,
  { key, body }: Repeat,
  token: string,
): IdempotentAnswer {
  return { key, body, answer: cipher.sealAnswer(token, { key, body }) };
}

/**
 * The token that the first call with this key was given.
 * @throws VaultError `idempotency_mismatch` when that call had another body
 */
export function replay(
  { cipher }: Session,
  { key, body }: Repeat,
  first: IdempotentAnswer,
): string {
  if (!first.body.equals(body)) throw new VaultError('idempotency_mismatch');
  return cipher.openAnswer(first.answer, { key, body });
}
