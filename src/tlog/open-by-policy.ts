import { openCheckpoint, type ParsedCheckpoint, parseCheckpoint } from './checkpoint.ts';
import { parseNote } from './note.ts';
import { isQuorumMet, type Policy } from './policy.ts';
import { cosignatureTimeSeconds } from './signature-type.ts';
import { TlogError } from './tlog-error.ts';

/**
 * A witness's statement that the checkpoint extends all that it saw of this log before that time. The
 * time is the witness's own: it was compared with no clock here.
 */
export type Cosignature = { witness: string; timeSeconds: number };

/** A checkpoint that satisfies a policy, and the policy's witnesses (by their names there) that cosigned it. */
export type TrustedCheckpoint = { checkpoint: ParsedCheckpoint; cosignatures: Cosignature[] };

/**
 * Opens a signed checkpoint under a policy: of a log that the policy lists (`origin_unknown`), signed by
 * it (`note_unverified`), with no wrong signature of any listed key (`signature_invalid`), and cosigned
 * by the quorum (`quorum_not_met`). Malformed: `text_invalid`, `note_malformed`, `checkpoint_malformed`.
 */
export function openByPolicy(note: string | Uint8Array, policy: Policy): TrustedCheckpoint {
  // Not yet believed: it only chooses whose signature to ask for.
  const { origin } = parseCheckpoint(parseNote(note).text);
  const log = policy.logs.map(({ verifier }) => verifier).filter(({ name }) => name === origin);
  if (log.length === 0) {
    throw new TlogError('origin_unknown');
  }
  const others = policy.witnesses.map(({ verifier }) => verifier);
  const { checkpoint, verified } = openCheckpoint({ note, origin, log, others });
  if (!isQuorumMet(policy, verified)) {
    throw new TlogError('quorum_not_met');
  }
  const cosignatures = policy.witnesses.flatMap(({ name, verifier }) =>
    verified
      .filter((signature) => signature.verifier === verifier)
      .map(({ blob }) => ({ witness: name, timeSeconds: cosignatureTimeSeconds(blob) })),
  );
  return { checkpoint, cosignatures };
}
