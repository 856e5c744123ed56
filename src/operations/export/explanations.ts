import { type Leaf, readLeaf } from '../../domain/audit/read-leaf.ts';
import { parseCheckpoint } from '../../tlog/checkpoint.ts';
import { parseNote } from '../../tlog/note.ts';
import type { LogPosition, Shard, StoredEvent } from '../ports/audit-reader.ts';
import { proveEvent } from '../steps/prove-event.ts';
import type { ExportDeps } from './request.ts';

/** An event of another shard that says why something of this one is gone. */
export type Explanation = {
  /** Its id. */
  event: string;
  /** Of the shard that it lies in. */
  origin: string;
  /** Its tlog-proof, without disclosures: who did it is that shard's to tell. */
  receipt: string;
};

const OPERATIONS = ['audit.erase', 'audit.prune', 'key.destroy'];
const PAGE_EVENTS = 1_000;

/**
 * What later shards say of this one (AUDIT-LOG §4.8, §4.9): an old year's export would show gaps that nothing in
 * it explains. An event that no checkpoint covers yet is left out.
 */
export async function explanationsElsewhere(
  reader: ExportDeps['reader'],
  shard: Shard,
): Promise<Explanation[]> {
  const found: Explanation[] = [];
  for await (const event of candidates(reader)) {
    const leaf = event.logId === shard.logId ? undefined : readLeaf(event.leaf);
    const explanation =
      leaf && explains(leaf, shard) ? await prove(reader, event, leaf) : undefined;
    if (explanation !== undefined) found.push(explanation);
  }
  return found;
}

/** Events that may be of these operations, of all shards, newest first. */
async function* candidates(reader: ExportDeps['reader']): AsyncGenerator<StoredEvent> {
  const facetGroups = [OPERATIONS.map((operation) => `op:${operation}`)];
  let before: LogPosition | undefined;
  do {
    const page = await reader.search({ termGroups: [], facetGroups, before, limit: PAGE_EVENTS });
    yield* page.events;
    before = page.next;
  } while (before !== undefined);
}

/** A refused attempt destroyed nothing. A key belongs to a month, whatever the shards were then. */
function explains({ op, out, attr }: Leaf, { shard }: Shard): boolean {
  const isOfShard =
    op === 'key.destroy' ? attr?.['purpose'] === 'private' : attr?.['shard'] === shard;
  return OPERATIONS.includes(op) && out === 'allow' && isOfShard;
}

async function prove(
  reader: ExportDeps['reader'],
  event: StoredEvent,
  leaf: Leaf,
): Promise<Explanation | undefined> {
  const checkpoint = await reader.checkpoint(event.logId);
  if (checkpoint === undefined || checkpoint.size <= event.index) {
    return undefined;
  }
  const { origin } = parseCheckpoint(parseNote(checkpoint.note).text);
  const receipt = await proveEvent(reader, { event, checkpoint, disclosures: [] });
  return { event: leaf.id, origin, receipt };
}
