import { setImmediate as nextTurn } from 'node:timers/promises';
import { openDisclosure } from '../../crypto/open-disclosure.ts';
import { type EventView, viewEvent } from '../../domain/audit/event-view.ts';
import { type Leaf, readLeaf } from '../../domain/audit/read-leaf.ts';
import { VaultError } from '../../domain/errors.ts';
import type { StoredEvent } from '../ports/audit-reader.ts';
import type { ExportDeps, ExportRequest } from './request.ts';

/** An event of an export: as people read it, and what proves it. */
export type ExportedEvent = {
  view: EventView;
  /** What was hashed. */
  bytes: Buffer;
  /** The disclosures that are left, as the texts that were digested (RFC 9901). */
  disclosures: { who?: string; what?: string };
};

/** Opening this many takes about 2 ms: calls that come in meanwhile wait no longer. */
const SLICE_EVENTS = 64;

/**
 * The events that were asked for, in order, with what is left of their disclosures. Rejects with `internal` at
 * an entry that this program did not write: an export that left it out would hide it.
 */
export async function* exportedEvents(
  deps: ExportDeps,
  request: ExportRequest,
): AsyncGenerator<ExportedEvent[]> {
  for await (const slice of storedEvents(deps, request)) {
    const events: ExportedEvent[] = [];
    for (const stored of slice) {
      const leaf = readLeaf(stored.leaf);
      if (leaf === undefined) {
        throw new VaultError('internal', {
          detail: `entry ${stored.index} of ${request.shard.origin} is no audit event`,
        });
      }
      if (isAskedFor(leaf, request)) {
        events.push(await openEvent(deps.keysets, { stored, leaf, shard: request.shard.shard }));
      }
    }
    yield events;
  }
}

/** All entries below the checkpoint's size that are not pruned, in slices that do not hold others up. */
export async function* storedEvents(
  { reader }: Pick<ExportDeps, 'reader'>,
  { shard, checkpoint }: Pick<ExportRequest, 'shard' | 'checkpoint'>,
): AsyncGenerator<StoredEvent[]> {
  for await (const block of reader.read(shard.logId, { from: 0, to: checkpoint.size })) {
    for (let start = 0; start < block.length; start += SLICE_EVENTS) {
      yield block.slice(start, start + SLICE_EVENTS);
      await nextTurn();
    }
  }
}

/** Opens what is left of one event. */
export async function openEvent(
  keysets: ExportDeps['keysets'],
  { stored, leaf, shard }: { stored: StoredEvent; leaf: Leaf; shard: string },
): Promise<ExportedEvent> {
  const who = await openDisclosure(keysets, { leaf, label: 'who', disclosure: stored.who });
  const what = await openDisclosure(keysets, { leaf, label: 'what', disclosure: stored.what });
  return {
    view: viewEvent({ leaf, index: stored.index, shard, who, what }),
    bytes: stored.leaf,
    disclosures: { ...(who && { who: who.text }), ...(what && { what: what.text }) },
  };
}

function isAskedFor(leaf: Leaf, { vault, fromMs, toMs }: ExportRequest): boolean {
  return (
    (vault === undefined || leaf.vlt === vault) &&
    (fromMs === undefined || leaf.t >= fromMs) &&
    (toMs === undefined || leaf.t < toMs)
  );
}
