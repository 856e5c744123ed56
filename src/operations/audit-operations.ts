import type { EventView } from '../domain/audit/event-view.ts';
import type { Answer, Caller } from './call.ts';
import type { ExportFormat } from './export/request.ts';

/** One operation on the log, which belongs to no vault. Audited as any other. */
export type LogOperation<Input, Output> = (caller: Caller, input: Input) => Promise<Answer<Output>>;

/**
 * Reads what everybody may read of the log: hashes and signatures. Rejects with `not_found` for what the
 * published tree does not have, and with `store_unavailable`.
 */
export type PublicOperation<Input, Output> = (input: Input) => Promise<Output>;

/** What to look for; all that is present must hold. */
export type AuditFilter = {
  vault?: string | undefined;
  token?: string | undefined;
  /** Events about live tokens of this person; needs `vault`. */
  subject?: string | undefined;
  /** Subject of the credential that asked. */
  actor?: string | undefined;
  action?: string | undefined;
  outcome?: 'allow' | 'deny' | 'error' | undefined;
  purpose?: string | undefined;
  reference?: string | undefined;
  /** RFC 3339; `from` inclusive, `to` exclusive. */
  from?: string | undefined;
  to?: string | undefined;
};

/** `limit` is 50 by default; `cursor` is of an earlier page of the same search. */
export type AuditSearchInput = AuditFilter & {
  limit?: number | undefined;
  cursor?: string | undefined;
};

/** As long as there is a cursor there may be more, also after a page that holds fewer than the limit. */
export type AuditSearchOutput = { events: EventView[]; cursor?: string };

export type AuditExportInput = {
  format: ExportFormat;
  /** `active` by default. */
  shard?: string | undefined;
  vault?: string | undefined;
  from?: string | undefined;
  to?: string | undefined;
};

/** `content` may fail after it began: what was sent by then is not an export. */
export type AuditExportOutput = { shard: string; content: AsyncIterable<Buffer> };

/** A file of a shard: `active`, or a shard's name. */
export type LogFileInput = { shard: string };

/** A tile by its path below `tile/`, as tlog-tiles writes it: `0/x001/234.p/8`, `entries/000`. */
export type LogTileInput = LogFileInput & { path: string };

/** What transports can ask of the log. */
export type AuditOperations = {
  auditSearch: LogOperation<AuditSearchInput, AuditSearchOutput>;
  auditEvent: LogOperation<{ id: string }, EventView>;
  /** The text of a tlog-proof. */
  auditReceipt: LogOperation<{ id: string }, string>;
  auditExport: LogOperation<AuditExportInput, AuditExportOutput>;
  /** An entry bundle. */
  auditEntries: LogOperation<LogTileInput, Buffer>;
  /** The newest published checkpoint, a signed note. */
  auditCheckpoint: PublicOperation<LogFileInput, string>;
  /** A hash tile. */
  auditTile: PublicOperation<LogTileInput, Buffer>;
  /** Keys that verify the shard's checkpoints, one a line. */
  auditVerifierKeys: PublicOperation<LogFileInput, string>;
  /** Keys that verify receipts about erasures, one a line. */
  erasureVerifierKeys: PublicOperation<Record<never, never>, string>;
  /**
   * Waits until what was recorded before this call is under a published checkpoint; false when that takes
   * longer than 5 s.
   */
  auditPublished: () => Promise<boolean>;
};
