import type { Erasure } from '../ports/people-store.ts';

/**
 * The text of a receipt about an erasure, to be signed. The person stands in it as the keyed digest that only
 * the vault can make, never by the caller's reference.
 *
 * It is no checkpoint and cannot be read as one: the second line of a checkpoint is a number (C2SP
 * tlog-checkpoint), the second line of this is `vault` and a name.
 */
export function formatErasureReceipt(receipt: {
  /** Name of the key that signs it. */
  name: string;
  vault: string;
  erasure: Erasure;
  /** Tokens that ended. */
  erased: number;
  /** The audit event of the request. */
  eventId: string;
}): string {
  const { name, vault, erasure, erased, eventId } = receipt;
  const lines = [
    name,
    `vault ${vault}`,
    `person ${erasure.digest.toString('base64')}`,
    `tokens ${erased}`,
    `time ${new Date(erasure.atMs).toISOString()}`,
    `event ${eventId}`,
  ];
  return `${lines.join('\n')}\n`;
}
