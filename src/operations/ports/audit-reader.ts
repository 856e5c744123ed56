import type { SealedDisclosure } from '../../crypto/open-disclosure.ts';

/** One shard of the log. */
export type Shard = {
  logId: number;
  /** As in URLs: `2026`, `2026-2`. */
  shard: string;
  origin: string;
  state: 'active' | 'frozen';
  /** Leaves in the tree, published or not. */
  size: number;
  /** Entries below it are pruned; their hashes are not. */
  minIndex: number;
};

/** The newest published checkpoint of a shard, with its signatures and cosignatures. */
export type PublishedCheckpoint = { size: number; note: string; publishedAt: Date };

/** One event as it lies in the log. `leaf` is what was hashed. */
export type StoredEvent = {
  logId: number;
  index: number;
  leaf: Buffer;
  who: SealedDisclosure;
  what: SealedDisclosure;
};

/** Place of an event among all shards; a search goes from the newest to the oldest. */
export type LogPosition = { logId: number; index: number };

/** What a search can say without opening disclosures. All that are present must hold. */
export type EventQuery = {
  /** Groups of blind-index terms: an event must have a term of every group. */
  termGroups: readonly (readonly bigint[])[];
  /**
   * Groups of facets: an event must have a facet of every group. `op:`, `out:` and `vlt:` with what
   * stands in the leaf, and `purposeFacet`.
   */
  facetGroups: readonly (readonly string[])[];
  /** Milliseconds since the epoch; `fromMs` inclusive, `toMs` exclusive. */
  fromMs?: number | undefined;
  toMs?: number | undefined;
  /** Only events older in the log than this one. */
  before?: LogPosition | undefined;
  /** How many candidates to return at most, 1 to 1,000. */
  limit: number;
};

/**
 * Candidates, newest first. All that was asked for holds for each of them, as far as hashes of 64 bits tell:
 * the caller opens them and checks. The work of one call is bounded: a page may be short, or empty, and
 * have a `next` nevertheless. `next` is absent when there can be no more.
 */
export type EventPage = { events: StoredEvent[]; next?: LogPosition };

/** One entry of the list of what was erased. */
export type Erasure = {
  /** The `audit.erase` event that tells of it. */
  eventId: string;
  logId: number;
  label: 'who' | 'what';
  /** Ascending. */
  indexes: readonly number[];
};

/**
 * Reads the integrated log. All methods reject with `store_unavailable` when the store cannot answer. What
 * is not there, pruned, or beyond the published size is `undefined`. What is lost, torn or altered rejects
 * with `internal`: leaves are checked against the hashes of the tree, disclosures are not.
 */
export interface AuditReader {
  /** All shards, newest first. */
  shards(): Promise<Shard[]>;
  checkpoint(logId: number): Promise<PublishedCheckpoint | undefined>;
  /** Hashes of a tile of the published tree, 32·width bytes. `width` 1 to 256. */
  tile(
    logId: number,
    tile: { level: number; index: number; width: number },
  ): Promise<Buffer | undefined>;
  /**
   * An entry bundle of the published tree: `width` times u16be length ‖ leaf. Pruned when the full bundle
   * ends at or before the minimum index (tlog-tiles).
   */
  bundle(logId: number, bundle: { index: number; width: number }): Promise<Buffer | undefined>;
  /** The event with this id (22 base64url characters), in any shard, published or not. */
  findEvent(eventId: string): Promise<StoredEvent | undefined>;
  search(query: EventQuery): Promise<EventPage>;
  /**
   * Events in order from `from` (inclusive) to `to` (exclusive), in blocks; pruned ones are left out, and
   * so is what lies beyond the size of the tree.
   */
  read(logId: number, range: { from: number; to: number }): AsyncIterable<StoredEvent[]>;
  erasures(logId: number): Promise<Erasure[]>;
}
