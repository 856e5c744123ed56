import { setTimeout as sleep } from 'node:timers/promises';
import type { Keysets } from '../../crypto/keysets.ts';
import { openDisclosure } from '../../crypto/open-disclosure.ts';
import { readLeaf } from '../../domain/audit/read-leaf.ts';
import { VaultError } from '../../domain/errors.ts';
import type { AuditReader, Shard, StoredEvent } from '../../operations/ports/audit-reader.ts';
import { proveEvent } from '../../operations/steps/prove-event.ts';
import { TILE_WIDTH } from '../../tlog/tile.ts';
import { formatTilePath } from '../../tlog/tile-path.ts';
import { TlogError } from '../../tlog/tlog-error.ts';
import type { Findings } from '../../verify/findings.ts';
import type { EntryDisclosures, ErasureRecord, LogSource } from '../../verify/source.ts';

/** Events in any shard that may explain what another shard lacks. */
const EXPLAINING = new Set(['audit.erase', 'audit.prune', 'key.destroy']);
const PAGE = 1_000;

export type StoreSourceDeps = {
  reader: AuditReader;
  /** Without them, disclosures are left alone. */
  keysets?: Pick<Keysets, 'findPrivateCipher'> | undefined;
  /** Between two blocks, so that the work does not disturb. */
  pauseMs: number;
  findings: Findings;
  /** Of all shards: see `findExplaining`. */
  explaining: readonly StoredEvent[];
};

/**
 * A shard of the database as a verifier reads it. What cannot be read for damage is a finding, and missing;
 * what cannot be read for an outage rejects with `store_unavailable`.
 */
export function makeStoreSource(deps: StoreSourceDeps, shard: Shard): LogSource {
  const { reader, keysets, findings } = deps;
  const { logId } = shard;
  const source: LogSource = {
    checkpoint: async () => (await reader.checkpoint(logId))?.note,
    tile: (tile) => unlessDamaged(findings, formatTilePath(tile), () => reader.tile(logId, tile)),
    bundle: async (bundle) => {
      await sleep(deps.pauseMs);
      const path = formatTilePath({ level: 'entries', ...bundle });
      return unlessDamaged(findings, path, () => reader.bundle(logId, bundle));
    },
    erasures: async () => [
      ...(await listErasures(deps, shard)),
      ...(await proveExplaining(deps, shard)),
    ],
  };
  return keysets === undefined
    ? source
    : { ...source, disclosures: () => readDisclosures(deps, keysets, shard) };
}

/** All events that tell of something erased, destroyed or pruned, in whatever shard. */
export async function findExplaining(reader: AuditReader): Promise<StoredEvent[]> {
  const facetGroups = [[...EXPLAINING].map((operation) => `op:${operation}`)];
  const found: StoredEvent[] = [];
  let before: Awaited<ReturnType<AuditReader['search']>>['next'];
  do {
    const page = await reader.search({ termGroups: [], facetGroups, limit: PAGE, before });
    // A facet is one of the segment, not of each of its events.
    found.push(...page.events.filter(({ leaf }) => EXPLAINING.has(readLeaf(leaf)?.op ?? '')));
    before = page.next;
  } while (before !== undefined);
  return found;
}

async function listErasures({ reader, findings }: StoreSourceDeps, shard: Shard) {
  const list = await unlessDamaged(findings, 'audit_erasure', () => reader.erasures(shard.logId));
  return (list ?? []).map(
    ({ eventId, label, indexes }): ErasureRecord => ({ event: eventId, label, indexes }),
  );
}

/** Receipts of what lies in other shards. What is not published yet has none. */
async function proveExplaining(
  { reader, explaining, findings }: StoreSourceDeps,
  shard: Shard,
): Promise<ErasureRecord[]> {
  const records: ErasureRecord[] = [];
  for (const event of explaining.filter(({ logId }) => logId !== shard.logId)) {
    const checkpoint = await reader.checkpoint(event.logId);
    if (checkpoint !== undefined && event.index < checkpoint.size) {
      const id = readLeaf(event.leaf)?.id ?? '';
      const receipt = await unlessDamaged(findings, `proof of event ${id}`, () =>
        proveEvent(reader, { event, checkpoint, disclosures: [] }),
      );
      if (receipt !== undefined) records.push({ event: id, receipt });
    }
  }
  return records;
}

/** Block by block, so that one that is damaged does not hide the next. */
async function* readDisclosures(
  { reader, findings }: StoreSourceDeps,
  keysets: NonNullable<StoreSourceDeps['keysets']>,
  { logId, minIndex }: Shard,
): AsyncGenerator<EntryDisclosures> {
  const size = (await reader.checkpoint(logId))?.size ?? 0;
  const first = minIndex - (minIndex % TILE_WIDTH);
  for (let from = first; from < size; from += TILE_WIDTH) {
    const to = Math.min(size, from + TILE_WIDTH);
    const place = `entries ${from} to ${to - 1}`;
    const events = await unlessDamaged(findings, place, () => collect(reader, logId, { from, to }));
    for (const stored of events ?? []) {
      const leaf = readLeaf(stored.leaf);
      if (leaf === undefined) continue;
      const { index, who: sealedWho, what: sealedWhat } = stored;
      const who = await openDisclosure(keysets, { leaf, label: 'who', disclosure: sealedWho });
      const what = await openDisclosure(keysets, { leaf, label: 'what', disclosure: sealedWhat });
      yield { index, ...(who && { who: who.text }), ...(what && { what: what.text }) };
    }
  }
}

async function collect(
  reader: AuditReader,
  logId: number,
  range: { from: number; to: number },
): Promise<StoredEvent[]> {
  const blocks: StoredEvent[][] = [];
  for await (const block of reader.read(logId, range)) blocks.push(block);
  return blocks.flat();
}

/** Runs a reading; damage is a finding and gives `undefined`, an outage rejects. */
export async function unlessDamaged<T>(
  findings: Findings,
  place: string,
  read: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    const isDamage = error instanceof TlogError || isInternal(error);
    if (!isDamage) throw error;
    findings.add('store_damaged', place);
    return;
  }
}

function isInternal(error: unknown): boolean {
  return error instanceof VaultError && error.code === 'internal';
}
