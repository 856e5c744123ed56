import type { Leaf } from '../domain/audit/read-leaf.ts';
import type { Policy } from '../tlog/policy.ts';
import type { Label } from './disclosure.ts';
import type { ErasureRecord } from './source.ts';
import { verifyReceiptFile } from './verify-receipt.ts';

/** An `audit.erase` leaf about this shard. */
export type ProvedErasure = {
  label: unknown;
  count: unknown;
  indexes: unknown;
  by: string;
  /** What it erased lies before it. */
  before: number;
};

/** Leaves that say why something is gone (AUDIT-LOG §4.8, §4.9). All of them are proved to be in a log. */
export type Explanations = {
  /** Each leaf, where it stands (`leaf #9`), and its index if it is in this shard. */
  take(leaf: Leaf, by: string, index?: number): void;
  /** By id of the event. */
  erasures: ReadonlyMap<string, ProvedErasure>;
  /** Who destroyed the key of a vault's month, if anybody did. */
  destroyedBy(vault: string, month: number): string | undefined;
  /** Entries below it may be gone. */
  pruned(): { minIndex: number; by: string };
};

/** Vault of events that belong to no vault. */
export const SYSTEM_VAULT = '_system';

/** Collects what explains gaps in the content of `shard`. */
export function makeExplanations(shard: string): Explanations {
  const erasures = new Map<string, ProvedErasure>();
  const destroyed = new Map<string, string>();
  let pruned = { minIndex: 0, by: '' };

  return {
    take(leaf, by, index = Number.POSITIVE_INFINITY) {
      // A refused attempt is an event as well, and destroys nothing.
      if (leaf.out !== 'allow' || leaf.attr === undefined) {
        return;
      }
      const { shard: about, vault, month, minIndex, label, count, indexes } = leaf.attr;
      const isOurs = about === shard;
      if (destroysKey(leaf)) {
        destroyed.set(JSON.stringify([vault, month]), by);
      }
      if (leaf.op === 'audit.erase' && isOurs) {
        erasures.set(leaf.id, { label, count, indexes, by, before: index });
      }
      if (leaf.op === 'audit.prune' && isOurs && isNumber(minIndex) && minIndex > pruned.minIndex) {
        pruned = { minIndex, by };
      }
    },
    erasures,
    destroyedBy: (vault, month) => destroyed.get(JSON.stringify([vault, month])),
    pruned: () => pruned,
  };
}

/**
 * Takes the explanations that lie in other shards, each proved by its receipt under the same policy. A
 * receipt that does not hold explains nothing: what it should have explained is found missing.
 */
export function takeReceipts(
  explanations: Explanations,
  records: readonly ErasureRecord[],
  policy: Policy,
): void {
  for (const { event, receipt } of records) {
    try {
      const { leaf, index, origin } = verifyReceiptFile(receipt ?? '', policy);
      if (leaf.id === event) {
        explanations.take(leaf, `leaf #${index} of ${origin}`);
      }
    } catch {
      // Most have none, because their leaf is in this shard.
    }
  }
}

/** What an entry lacks, if anything explains it but a list: its vault's key of the month. */
export function keyOf(leaf: Leaf): { vault: string; month: number } {
  const date = new Date(leaf.t);
  const month = date.getUTCFullYear() * 100 + date.getUTCMonth() + 1;
  return { vault: leaf.vlt ?? SYSTEM_VAULT, month };
}

/** Labels of the disclosures that a leaf once had and that are not among these. */
export function missingLabels(leaf: Leaf, present: readonly Label[]): Label[] {
  const absent = (['who', 'what'] as const).filter((label) => !present.includes(label));
  return absent.slice(0, Math.max(0, leaf._sd.length - present.length));
}

/** Of a month that is over: so it never explains why its own disclosures do not open. */
function destroysKey(leaf: Leaf): boolean {
  const { purpose, month } = leaf.attr ?? {};
  const isOver = isNumber(month) && month < keyOf(leaf).month;
  return leaf.op === 'key.destroy' && purpose === 'private' && isOver;
}

const isNumber = (value: unknown): value is number => Number.isSafeInteger(value);
