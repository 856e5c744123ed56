import { VaultError } from '../../domain/errors.ts';
import { checkInclusion } from '../../tlog/check-proof.ts';
import { parseCheckpoint } from '../../tlog/checkpoint.ts';
import { hashLeaf } from '../../tlog/hash.ts';
import { parseNote } from '../../tlog/note.ts';
import { makeProver } from '../../tlog/prover.ts';
import { formatReceipt } from '../../tlog/receipt.ts';
import type { AuditReader, PublishedCheckpoint, StoredEvent } from '../ports/audit-reader.ts';

/**
 * The receipt of an event (C2SP tlog-proof) to a checkpoint that covers it. Its `extra` holds the leaf and
 * these disclosures, so that it can be checked with nothing but the log's policy file. Checked before it is
 * given away: a damaged tile is `internal` here, and does not show at the auditor's desk.
 */
export async function proveEvent(
  reader: Pick<AuditReader, 'tile'>,
  input: { event: StoredEvent; checkpoint: PublishedCheckpoint; disclosures: readonly string[] },
): Promise<string> {
  const { logId, index, leaf } = input.event;
  const { size, note } = input.checkpoint;
  const { disclosures } = input;
  const readTile = async (tile: Parameters<AuditReader['tile']>[1]): Promise<Buffer> => {
    const hashes = await reader.tile(logId, tile);
    if (hashes === undefined) {
      throw new VaultError('internal', { detail: 'a tile of the published tree is missing' });
    }
    return hashes;
  };
  const proof = await makeProver({ size, readTile }).inclusion(index);
  const { root } = parseCheckpoint(parseNote(note).text);
  checkInclusion({ index, size, leafHash: hashLeaf(leaf), proof, root });
  const extra = Buffer.from(JSON.stringify({ leaf: leaf.toString('utf8'), disclosures }));
  return formatReceipt({ index, proof, checkpoint: note, extra });
}
