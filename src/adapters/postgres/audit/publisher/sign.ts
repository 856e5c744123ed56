import type { Head } from '../../../../operations/ports/head-store.ts';
import { signCheckpoint } from '../../../../tlog/checkpoint.ts';
import { addSignatures } from '../../../../tlog/note.ts';
import { proofFrom } from './check.ts';
import type { PublisherDeps } from './deps.ts';
import { findOwn } from './own.ts';
import { publish, readShard, type ShardState } from './rows.ts';
import { type Cosignatures, makeCosigning } from './witnesses.ts';

/** Time that all witnesses together get, in milliseconds. */
const WITNESSES_MS = 2_000;

/** Makes the function that signs a state which was checked, in the order that survives a crash anywhere. */
export function makeSigning(
  deps: PublisherDeps,
): (checked: { state: ShardState; head: Head | undefined }) => Promise<void> {
  const { pool, heads, signer, logger, witnessing } = deps;
  const cosign = makeCosigning({ witnesses: witnessing.witnesses, logger, limitMs: WITNESSES_MS });
  const heed = makeHeeding(deps);

  return async ({ state, head }) => {
    const { logId, origin, size, root } = state;
    const note = signCheckpoint({ origin, size, root }, await signer.signersOf(origin));
    // A crash here forgets a signature that nobody has seen.
    if (head?.size !== size) {
      const next = { origin, head: { size, root, note }, expectedSize: head?.size };
      if (!(await heads.advance(next))) return;
    }
    // A crash here leaves a head that was never published. The next round finds the tree to extend it,
    // and signs that same tree again, or a larger one.
    const { lines, ahead } = await cosign({
      origin,
      size,
      note,
      proofFrom: (oldSize) => proofFrom(pool, state, oldSize),
    });
    await publish(pool, { logId, size, root, note: addSignatures(note, lines) });
    for (const claim of ahead) await heed(state, claim);
  };
}

/**
 * Makes the answer to a witness that says it has cosigned a larger tree than the one it was sent. Its word
 * alone raises an alarm; only our own signature on what it shows is taken for a memory of ours, and then
 * the next round finds that the database went backwards.
 */
function makeHeeding({ pool, heads, signer, logger }: PublisherDeps) {
  const reported = new Set<string>();
  return async (state: ShardState, claim: Cosignatures['ahead'][number]): Promise<void> => {
    const { logId, origin, shard, size } = state;
    const { witness, size: witnessSize, note } = claim;
    // Another instance may have signed more since.
    if (((await readShard(pool, logId))?.size ?? 0) >= witnessSize) return;
    if (!reported.has(`${logId} ${witness}`)) {
      reported.add(`${logId} ${witness}`);
      logger.error('audit_witness_is_ahead', { witness, shard, size, witnessSize });
    }
    const head = note === undefined ? undefined : await findOwn(signer, { origin, note });
    if (head !== undefined && head.size > size) {
      await heads.advance({ origin, head, expectedSize: size });
    }
  };
}
