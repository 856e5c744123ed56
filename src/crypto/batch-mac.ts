import { hkdfSha256, hmacFrame, sha256 } from './digest.ts';
import { frame } from './framing.ts';
import type { SecretKey } from './secret.ts';

/** A batch of pending audit events as it is stored (AUDIT-LOG §4.2). */
export type PendingBatch = {
  /** ISO date of the partition; fixed when the batch is made. */
  day: string;
  logId: number;
  bootId: string;
  firstSeq: bigint;
  /** How many events. */
  count: number;
  leaves: Uint8Array;
  who: Uint8Array;
  what: Uint8Array;
  /** Blind-index terms; absent in batches of earlier versions. */
  terms?: Uint8Array | undefined;
};

/** A few writers at a time; beyond that it begins anew. */
const MAX_REMEMBERED = 256;
/** Boot keys beside the key that they come from: they live no longer than it. */
const remembered = new WeakMap<SecretKey, Map<string, SecretKey>>();

/**
 * The MAC key of one process start (K_boot). HKDF-SHA-256 from the `audit-mac` key over the boot id.
 * Remembered: deriving it costs 6 µs, and every batch is written, and checked, under it.
 */
export function bootMacKey(auditMac: SecretKey, bootId: string): SecretKey {
  let known = remembered.get(auditMac);
  if (known === undefined || known.size >= MAX_REMEMBERED) {
    known = new Map();
    remembered.set(auditMac, known);
  }
  let key = known.get(bootId);
  if (key === undefined) {
    key = hkdfSha256({ key: auditMac, info: frame(['counterfoil/audit-boot/v1', bootId]) });
    known.set(bootId, key);
  }
  return key;
}

/**
 * HMAC-SHA-256 over every column of a batch, framed. 32 bytes. Who can write to the database, but lacks
 * the key, can neither forge nor alter, renumber or move a pending batch.
 */
export function batchMac(bootKey: SecretKey, batch: PendingBatch): Buffer {
  const { terms } = batch;
  return hmacFrame(bootKey, [
    // Told apart by the label: terms cannot be taken from a batch, or given to one, unnoticed.
    terms === undefined ? 'counterfoil/audit-pending/v1' : 'counterfoil/audit-pending/v2',
    batch.day,
    batch.logId,
    batch.bootId,
    batch.firstSeq.toString(),
    batch.count,
    sha256(batch.leaves),
    sha256(batch.who),
    sha256(batch.what),
    ...(terms === undefined ? [] : [sha256(terms)]),
  ]);
}
