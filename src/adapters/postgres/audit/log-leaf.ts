import type { RandomBytes } from '../../../crypto/random.ts';
import type { LogOperation } from '../../../domain/audit/event.ts';
import type { Json } from '../../../domain/audit/jcs.ts';
import { leafJson } from '../../../domain/audit/leaf.ts';
import { readLeaf } from '../../../domain/audit/read-leaf.ts';
import { VaultError } from '../../../domain/errors.ts';
import type { SequencedEvent } from './segment.ts';

const EVENT_ID_BYTES = 16;
const NO_DISCLOSURE = { vaultId: 0, sealed: Buffer.alloc(0) };

/** What the log says of itself. `attributes` are public: they stand in the leaf. */
export type LogStatement = {
  operation: LogOperation;
  attributes: { readonly [name: string]: Json };
};

/**
 * The leaf of a statement of the log itself: no writer, no disclosures, no terms. Throws `internal` when
 * it is longer than a leaf can be.
 */
export function makeLogLeaf(
  { operation, attributes }: LogStatement,
  { atMs, random }: { atMs: number; random: RandomBytes },
): SequencedEvent {
  const text = leafJson({
    event: { operation, outcome: 'allow', status: 200, items: 0, attributes, who: {}, what: {} },
    id: random(EVENT_ID_BYTES).toString('base64url'),
    atMs,
    digests: [],
  });
  const leaf = readLeaf(text);
  if (leaf === undefined) {
    throw new VaultError('internal', { detail: 'a leaf of the log itself cannot be read back' });
  }
  return { bytes: Buffer.from(text), leaf, who: NO_DISCLOSURE, what: NO_DISCLOSURE, terms: [] };
}
