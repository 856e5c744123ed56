import type { TileId } from '../tlog/tile.ts';

/** The disclosures of one entry that are left: SD-JWT texts (RFC 9901). */
export type EntryDisclosures = { index: number; who?: string; what?: string };

/**
 * A leaf that explains why disclosures or entries are gone. `label` and `indexes` are there for an
 * `audit.erase`. `receipt` is a tlog-proof of an event that lies in another shard: of a later year, say.
 */
export type ErasureRecord = {
  event: string;
  label?: 'who' | 'what';
  /** Ascending. */
  indexes?: readonly number[];
  receipt?: string;
};

/** What a shard is said to be by somebody who did not sign it. */
export type Statement = { shard: string; origin: string; size: number; minIndex: number };

/**
 * Where a log is read. What is not there, or pruned, is `undefined`; a method rejects when that cannot be
 * found out. Nothing that it gives is believed before it is checked.
 */
export type LogSource = {
  /** The signed checkpoint. */
  checkpoint(): Promise<string | Uint8Array | undefined>;
  /** Exactly 32·width bytes. */
  tile(tile: TileId): Promise<Uint8Array | undefined>;
  /** An entry bundle of exactly `width` entries. */
  bundle(bundle: { index: number; width: number }): Promise<Uint8Array | undefined>;
  /** Ascending by index. Absent: this source offers none, and none is missed. */
  disclosures?: () => AsyncIterable<EntryDisclosures>;
  erasures?: () => Promise<readonly ErasureRecord[]>;
  statement?: () => Promise<Statement | undefined>;
};
