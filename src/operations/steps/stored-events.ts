import { type OpenedDisclosure, openDisclosure } from '../../crypto/open-disclosure.ts';
import { type EventView, viewEvent } from '../../domain/audit/event-view.ts';
import { type Leaf, readLeaf } from '../../domain/audit/read-leaf.ts';
import { VaultError } from '../../domain/errors.ts';
import type { Caller } from '../call.ts';
import type { Shard, StoredEvent } from '../ports/audit-reader.ts';
import type { AuditDeps } from './audit-deps.ts';
import { auditScope, isInScope } from './audit-scope.ts';
import type { Reading } from './audited-reading.ts';

/** How long a reader waits for its own writes to be found. */
export const READ_YOUR_WRITES_MS = 2_000;

const EVENT_ID = /^[\w-]{22}$/;

/** An event with what its leaf says. */
export type ReadEvent = { stored: StoredEvent; leaf: Leaf };

/** An event with its disclosures, as far as they can be opened. */
export type OpenedEvent = ReadEvent & {
  who: OpenedDisclosure | undefined;
  what: OpenedDisclosure | undefined;
};

/** The leaf of a stored event. Throws `internal` when it is none: then the store was altered. */
export function readStored(stored: StoredEvent): ReadEvent {
  const leaf = readLeaf(stored.leaf);
  if (leaf === undefined) {
    throw new VaultError('internal', { detail: 'a stored audit leaf cannot be read' });
  }
  return { stored, leaf };
}

/** Opens both disclosures. Rejects with `key_unavailable` or `store_unavailable`. */
export async function openStored(
  { auditKeys }: Pick<AuditDeps, 'auditKeys'>,
  { stored, leaf }: ReadEvent,
): Promise<OpenedEvent> {
  const [who, what] = await Promise.all([
    openDisclosure(auditKeys, { leaf, label: 'who', disclosure: stored.who }),
    openDisclosure(auditKeys, { leaf, label: 'what', disclosure: stored.what }),
  ]);
  return { stored, leaf, who, what };
}

/** The event as the API shows it. */
export function viewStored(shards: readonly Shard[], event: OpenedEvent): EventView {
  const { stored, leaf, who, what } = event;
  const shard = shards.find(({ logId }) => logId === stored.logId);
  if (shard === undefined) {
    throw new VaultError('internal', { detail: 'an audit event lies in no shard' });
  }
  return viewEvent({ leaf, index: stored.index, shard: shard.shard, who, what });
}

/**
 * The event with this id, when the caller may read it. One that they may not read, one that never was and one
 * that is pruned are the same `not_found`, after the same wait.
 */
export async function findReadable(
  deps: AuditDeps,
  { caller, id, reading }: { caller: Caller; id: string; reading: Reading },
): Promise<ReadEvent> {
  const isId = EVENT_ID.test(id);
  // Anything else is the caller's text, and no business of the record.
  reading.query = { event: isId ? id : 'malformed' };
  const scope = auditScope(deps, caller);
  const find = async (): Promise<ReadEvent | undefined> => {
    const stored = isId ? await deps.reader.findEvent(id) : undefined;
    const event = stored && readStored(stored);
    return event !== undefined && isInScope(scope, event.leaf.vlt) ? event : undefined;
  };
  const found = (await find()) ?? (await findLater(deps, find));
  if (found === undefined) throw new VaultError('not_found');
  const vault = scope.vaults.find(({ name }) => name === found.leaf.vlt);
  if (vault !== undefined) reading.vault = vault;
  reading.items = 1;
  return found;
}

/** Callers read their own writes: what they were told is durable may not have its place yet. */
async function findLater<Found>(deps: AuditDeps, find: () => Promise<Found>): Promise<Found> {
  await deps.progress.reached('integrated', READ_YOUR_WRITES_MS);
  return find();
}
