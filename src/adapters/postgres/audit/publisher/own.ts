import type { LogSigner } from '../../../../crypto/log-signer.ts';
import type { Head } from '../../../../operations/ports/head-store.ts';
import { openCheckpoint } from '../../../../tlog/checkpoint.ts';
import { parseVerifierKey } from '../../../../tlog/verifier-key.ts';

/**
 * The head that a checkpoint of somebody else's keeping proves: `undefined` unless one of our present keys
 * has signed it, and no key of ours wrongly. Rejects with `key_unavailable`.
 */
export async function findOwn(
  signer: Pick<LogSigner, 'vkeysOf'>,
  { origin, note }: { origin: string; note: string },
): Promise<Head | undefined> {
  const log = (await signer.vkeysOf(origin)).map(parseVerifierKey);
  try {
    const { size, root } = openCheckpoint({ note, origin, log }).checkpoint;
    return { size, root, note };
  } catch {
    return undefined;
  }
}
