import { VaultError } from '../../domain/errors.ts';
import type { IdempotentAnswer } from '../ports/token-store.ts';
import type { Session } from './access.ts';
import type { OperationDeps } from './deps.ts';

/**
 * Makes the issue of one token repeatable: keyed digests of the call and the item's place in it, and of the
 * body. `first` looks for what the first call left; once, whoever asks.
 */
export type Repeat = Pick<IdempotentAnswer, 'key' | 'body'> & {
  first: () => Promise<IdempotentAnswer | undefined>;
};

/**
 * What makes each item of a call repeatable, by its index; nothing without an Idempotency-Key. Every item
 * stands for itself, so that a batch of which only a part was stored can be sent again. The body is
 * digested once: it may be megabytes.
 */
export function repeatsOf(
  { tokens }: Pick<OperationDeps, 'tokens'>,
  { call, cipher, vault }: Session,
): (index: number) => Repeat | undefined {
  if (call.idempotency === undefined) return () => undefined;
  const { key: given, route, body: text } = call.idempotency;
  const { issuer, subject } = call.principal;
  const body = cipher.digests.idempotencyBody(text);
  return (index) => {
    // An index holds no colon: no key and index can be taken for another pair.
    const key = cipher.digests.idempotencyKey({ issuer, subject, route, key: `${index}:${given}` });
    let found: Promise<IdempotentAnswer | undefined> | undefined;
    const first = () => {
      found ??= tokens.findAnswer({ vaultId: vault.id, key });
      return found;
    };
    return { key, body, first };
  };
}

/**
 * Refuses a batch whose key was used with another body: as a whole and before anything is stored, because its
 * items would else be new ones wherever the first batch had none. Places that this batch lacks, and batches
 * that race with it, are not seen: an item of another body is refused by itself then.
 * @throws VaultError `idempotency_mismatch`
 */
export async function checkSameBatch(repeats: readonly (Repeat | undefined)[]): Promise<void> {
  // Either each has one, or none.
  if (repeats[0] === undefined) return;
  const firsts = await Promise.all(repeats.map((repeat) => repeat?.first()));
  for (const [index, first] of firsts.entries()) {
    const body = repeats[index]?.body;
    if (first !== undefined && body?.equals(first.body) !== true) {
      throw new VaultError('idempotency_mismatch');
    }
  }
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
