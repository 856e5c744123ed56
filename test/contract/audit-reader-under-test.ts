import type { TermKind } from '../../src/crypto/audit-term.ts';
import type { AuditReader, StoredEvent } from '../../src/operations/ports/audit-reader.ts';
import type { GivenEvent } from '../helpers/filled-log.ts';

/** A shard that the suite fills; `append` makes one segment. */
export type ShardUnderTest = {
  logId: number;
  ids: readonly string[];
  append(events: readonly GivenEvent[]): Promise<void>;
  /** Publishes a checkpoint of the shard as it is, with `note` as its text. */
  publish(note?: string): Promise<void>;
};

/** A reader of an empty log, and the means to fill it. */
export type ReaderUnderTest = {
  reader: AuditReader;
  /** Opens a shard and freezes the one before. */
  open(shard: string): Promise<ShardUnderTest>;
  term(kind: TermKind, text: string, atMs: number): Promise<bigint>;
  close(): Promise<void>;
};

/** All events of a shard in this range. */
export async function readAll(
  reader: AuditReader,
  logId: number,
  range = { from: 0, to: Number.MAX_SAFE_INTEGER },
): Promise<StoredEvent[]> {
  const events: StoredEvent[] = [];
  for await (const block of reader.read(logId, range)) events.push(...block);
  return events;
}
