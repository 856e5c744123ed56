import { batchMac, bootMacKey } from '../../../../crypto/batch-mac.ts';
import { constantTimeEqual } from '../../../../crypto/digest.ts';
import type { SecretKey } from '../../../../crypto/secret.ts';
import { VaultError } from '../../../../domain/errors.ts';
import type { StoredBatch } from '../pending-row.ts';
import { makeBlock, type SegmentBlock } from '../segment-block.ts';

/**
 * The events of a batch; `undefined` when it is not as a writer of ours wrote it: its MAC does not cover
 * every column as it is now (AUDIT-LOG §4.5), or what lies under it cannot be read, or is not numbered as
 * the batch is.
 */
export function openBatch(auditMac: SecretKey, batch: StoredBatch): SegmentBlock | undefined {
  const mac = batchMac(bootMacKey(auditMac, batch.bootId), batch);
  if (!constantTimeEqual(mac, batch.mac)) {
    return undefined;
  }
  try {
    const { bootId, count } = batch;
    const firstSeq = Number(batch.firstSeq);
    return makeBlock(
      batch,
      count,
      ({ w }, place) => w?.[0] === bootId && w[1] === firstSeq + place,
    );
  } catch (error) {
    if (error instanceof VaultError) {
      return undefined;
    }
    throw error;
  }
}
