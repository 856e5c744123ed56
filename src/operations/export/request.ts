import type { Keysets } from '../../crypto/keysets.ts';
import type { AuditReader, PublishedCheckpoint, Shard } from '../ports/audit-reader.ts';

/** What an export reads from. */
export type ExportDeps = {
  reader: Pick<AuditReader, 'checkpoint' | 'tile' | 'bundle' | 'read' | 'search' | 'erasures'>;
  keysets: Pick<Keysets, 'findPrivateCipher'>;
  /** The verifier keys of a shard's origin (C2SP signed-note), for the policy beside an exported log. */
  vkeysOf: (origin: string) => Promise<readonly string[]>;
  /** Of this program. */
  version: string;
};

/** How the events of an export are written down. */
export const EXPORT_FORMATS = ['native', 'ocsf', 'csv', 'tar'] as const;

export type ExportFormat = (typeof EXPORT_FORMATS)[number];

/** Which events of a shard, and how. */
export type ExportRequest = {
  format: ExportFormat;
  shard: Shard;
  /** Only events below its size are exported: those that it vouches for. */
  checkpoint: PublishedCheckpoint;
  vault?: string | undefined;
  /** Milliseconds since the epoch; `fromMs` inclusive, `toMs` exclusive. */
  fromMs?: number | undefined;
  toMs?: number | undefined;
};
