import type { Leaf } from '../domain/audit/read-leaf.ts';
import { isVouchedFor, LABELS, type Label, readDisclosure } from './disclosure.ts';
import { makeErasureLists } from './erasure-lists.ts';
import { type Explanations, keyOf, missingLabels } from './explanations.ts';
import type { Findings } from './findings.ts';
import type { Explained } from './report.ts';
import type { EntryDisclosures, ErasureRecord } from './source.ts';

/** Disclosures of one vault and month that are missing, and on no list. */
type Missing = { vault: string; month: number; count: number; places: string[] };

export type DisclosureCheck = {
  /** Each leaf, in order. */
  take(index: number, leaf: Leaf): Promise<void>;
  /** When all leaves are known: who explains what is missing. Entries below `readFrom` were not there. */
  finish(explanations: Explanations, readFrom: number): Promise<Explained[]>;
  /** Disclosures whose digests are in their leaves. */
  vouched(): number;
};

const MAX_PLACES = 10;

/**
 * Checks that every disclosure is its leaf's, and that each one that is missing was erased on record. Holds
 * one entry at a time, the lists of what was erased, and a few words per vault and month.
 */
export function makeDisclosureCheck(
  {
    disclosures,
    lists,
  }: {
    disclosures: AsyncIterable<EntryDisclosures>;
    lists: readonly ErasureRecord[];
  },
  findings: Findings,
): DisclosureCheck {
  const cursor = makeCursor(disclosures, findings);
  const erased = makeErasureLists(lists, findings);
  const missing = new Map<string, Missing>();
  let vouched = 0;

  const noteMissing = (index: number, leaf: Leaf, label: Label) => {
    const { vault, month } = keyOf(leaf);
    const known = missing.get(`${vault}/${month}`) ?? { vault, month, count: 0, places: [] };
    missing.set(`${vault}/${month}`, known);
    known.count += 1;
    if (known.places.length < MAX_PLACES) known.places.push(`entry ${index}: ${label}`);
  };

  return {
    async take(index, leaf) {
      const given: Partial<EntryDisclosures> = (await cursor.at(index)) ?? {};
      const offered = LABELS.filter((label) => given[label] !== undefined);
      const present = offered.filter((label) => isDisclosureOf(leaf, label, given[label]));
      for (const label of offered) {
        if (present.includes(label)) erased.notePresent(index, label);
        else findings.add('disclosure_foreign', `entry ${index}: ${label}`);
      }
      vouched += present.length;
      for (const label of missingLabels(leaf, present)) {
        if (!erased.claim(index, label)) noteMissing(index, leaf, label);
      }
    },
    async finish(explanations, readFrom) {
      await cursor.end();
      const explained = erased.finish(explanations, readFrom);
      for (const { vault, month, count, places } of missing.values()) {
        const by = explanations.destroyedBy(vault, month);
        if (by !== undefined) {
          explained.push({ why: 'key destroyed', entries: count, by });
          continue;
        }
        for (const place of places) findings.add('disclosure_missing', place);
        const rest = count - places.length;
        if (rest > 0) findings.add('disclosure_missing', `and ${rest} more of ${vault}`, rest);
      }
      return explained;
    },
    vouched: () => vouched,
  };
}

function isDisclosureOf(leaf: Leaf, label: Label, text = ''): boolean {
  return isVouchedFor(leaf, text) && readDisclosure(text)?.label === label;
}

/** Walks the disclosures beside the entries; both ascend. */
function makeCursor(disclosures: AsyncIterable<EntryDisclosures>, findings: Findings) {
  const iterator = disclosures[Symbol.asyncIterator]();
  let current: EntryDisclosures | undefined;
  let started = false;
  const advance = async () => {
    const { done, value } = await iterator.next();
    current = done === true ? undefined : value;
    started = true;
  };
  /** Everything before `index` belongs to no entry that was seen in its turn. */
  const seek = async (index: number) => {
    if (!started) await advance();
    while (current !== undefined && current.index < index) {
      findings.add('disclosure_misplaced', `entry ${current.index}`);
      await advance();
    }
  };
  return {
    async at(index: number): Promise<EntryDisclosures | undefined> {
      await seek(index);
      const found = current?.index === index ? current : undefined;
      if (found !== undefined) await advance();
      return found;
    },
    end: () => seek(Number.POSITIVE_INFINITY),
  };
}
