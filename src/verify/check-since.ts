import { checkConsistency } from '../tlog/check-proof.ts';
import type { ParsedCheckpoint } from '../tlog/checkpoint.ts';
import { openByPolicy } from '../tlog/open-by-policy.ts';
import type { Policy } from '../tlog/policy.ts';
import { makeProver } from '../tlog/prover.ts';
import { TlogError } from '../tlog/tlog-error.ts';
import type { Findings } from './findings.ts';
import type { LogSource } from './source.ts';

/**
 * Checks that the log extends a checkpoint that the auditor kept (RFC 9162 §2.1.4): by a proof of its own,
 * so nothing depends on the tiles being the same when they are read again. Witnesses are not asked for:
 * the auditor's own copy is the witness.
 */
export async function checkSince(
  {
    source,
    since,
    checkpoint,
    policy,
  }: {
    source: Pick<LogSource, 'tile'>;
    since: string | Uint8Array;
    checkpoint: ParsedCheckpoint;
    policy: Policy;
  },
  findings: Findings,
): Promise<void> {
  const older = openOlder(since, policy, findings);
  if (older === undefined) {
    return;
  }
  if (older.origin !== checkpoint.origin) {
    findings.add('since_foreign', older.origin);
    return;
  }
  const { size, root } = checkpoint;
  if (older.size > size) {
    findings.add('log_shrank', `from ${older.size} to ${size} entries`);
    return;
  }
  const readTile = async (tile: Parameters<LogSource['tile']>[0]) =>
    (await source.tile(tile)) ?? Buffer.alloc(0);
  try {
    const proof = await makeProver({ size, readTile }).consistency(older.size);
    checkConsistency({ oldSize: older.size, oldRoot: older.root, size, root, proof });
  } catch (error) {
    if (!(error instanceof TlogError)) throw error;
    findings.add('history_changed', `before entry ${older.size}`);
  }
}

function openOlder(since: string | Uint8Array, policy: Policy, findings: Findings) {
  try {
    return openByPolicy(since, { ...policy, quorum: undefined }).checkpoint;
  } catch (error) {
    if (!(error instanceof TlogError)) throw error;
    findings.add('since_refused', error.code);
    return;
  }
}
