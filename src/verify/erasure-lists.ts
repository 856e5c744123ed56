import { sha256 } from '../crypto/digest.ts';
import type { Label } from './disclosure.ts';
import type { Explanations, ProvedErasure } from './explanations.ts';
import type { Findings } from './findings.ts';
import type { Explained } from './report.ts';
import type { ErasureRecord } from './source.ts';

type List = { event: string; label: Label; indexes: readonly number[] };

const INDEX_BYTES = 8;

/**
 * The lists of erased entries, which nobody signed: each must be the one whose hash its `audit.erase` leaf
 * holds (AUDIT-LOG §4.9). In memory as long as the verification runs.
 */
export function makeErasureLists(records: readonly ErasureRecord[], findings: Findings) {
  const lists = records.flatMap(({ event, label, indexes }): List[] =>
    label === undefined || indexes === undefined ? [] : [{ event, label, indexes }],
  );
  const places = new Map<Label, Map<number, List>>([
    ['who', new Map()],
    ['what', new Map()],
  ]);
  for (const list of lists) {
    for (const index of list.indexes) places.get(list.label)?.set(index, list);
  }
  const claimed = new Map<List, number>();

  return {
    /** True when a list says that this disclosure was erased; whether the list is right shows at the end. */
    claim(index: number, label: Label): boolean {
      const list = places.get(label)?.get(index);
      if (list !== undefined) claimed.set(list, (claimed.get(list) ?? 0) + 1);
      return list !== undefined;
    },
    notePresent(index: number, label: Label): void {
      if (places.get(label)?.has(index)) {
        findings.add('erasure_undone', `entry ${index}: ${label}`);
      }
    },
    finish({ erasures }: Explanations, readFrom: number): Explained[] {
      const listed = new Set(lists.map(({ event }) => event));
      for (const [event, { by }] of erasures) {
        if (!listed.has(event)) findings.add('erasure_unlisted', by);
      }
      return lists.flatMap((list): Explained[] => {
        const { event, label, indexes } = list;
        const entries = claimed.get(list) ?? 0;
        const proved = erasures.get(event);
        if (proved !== undefined && isList(proved, list)) {
          return [{ why: 'erased', label, entries, by: proved.by }];
        }
        // A leaf comes after the entries that it erased: when it is pruned, so are they.
        if ((indexes.at(-1) ?? 0) >= readFrom) {
          findings.add('erasure_unproved', `event ${event}: ${label}`);
        }
        return [];
      });
    },
  };
}

function isList({ label, count, indexes, before }: ProvedErasure, list: List): boolean {
  if (
    label !== list.label ||
    count !== list.indexes.length ||
    (list.indexes.at(-1) ?? 0) >= before
  ) {
    return false;
  }
  const bytes = Buffer.alloc(list.indexes.length * INDEX_BYTES);
  for (const [place, index] of list.indexes.entries()) {
    bytes.writeBigUInt64BE(BigInt(index), place * INDEX_BYTES);
  }
  const isHash =
    typeof indexes === 'string' && sha256(bytes).equals(Buffer.from(indexes, 'base64'));
  return isHash && label === list.label && count === list.indexes.length;
}
