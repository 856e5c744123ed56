import { batchMac, bootMacKey } from '../../../../crypto/batch-mac.ts';
import { constantTimeEqual } from '../../../../crypto/digest.ts';
import type { SecretKey } from '../../../../crypto/secret.ts';
import { readLeaf } from '../../../../domain/audit/read-leaf.ts';
import { VaultError } from '../../../../domain/errors.ts';
import { decodeLeaves, decodeSealed, decodeTerms } from '../framing.ts';
import type { StoredBatch } from '../pending-row.ts';
import { makeBlock, type SegmentBlock, type SequencedEvent } from '../segment-block.ts';

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
    return makeBlock(readEvents(batch), batch);
  } catch (error) {
    if (error instanceof VaultError) {
      return undefined;
    }
    throw error;
  }
}

/** One after the other, so that none outlives its turn. Throws `internal` at the first that is wrong. */
function* readEvents(batch: StoredBatch): Generator<SequencedEvent> {
  const { bootId, count, firstSeq, terms } = batch;
  const who = decodeSealed(batch.who, count);
  const what = decodeSealed(batch.what, count);
  const termsOf = terms === undefined ? [] : decodeTerms(terms, count);
  for (const [place, bytes] of decodeLeaves(batch.leaves, count).entries()) {
    const leaf = readLeaf(bytes);
    const [itsWho, itsWhat] = [who[place], what[place]];
    const isInPlace = leaf?.w?.[0] === bootId && leaf.w[1] === Number(firstSeq) + place;
    if (leaf === undefined || !isInPlace || itsWho === undefined || itsWhat === undefined) {
      throw new VaultError('internal', { detail: 'a leaf is not what its batch says' });
    }
    yield { bytes, leaf, who: itsWho, what: itsWhat, terms: termsOf[place] ?? [] };
  }
}
