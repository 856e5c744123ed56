import type { Logger } from '../../../../telemetry/logger.ts';
import type { CheckpointMetrics } from '../../../../telemetry/metrics-checkpoint.ts';
import { openNote } from '../../../../tlog/note.ts';
import { isQuorumMet, type Policy, type WitnessRule } from '../../../../tlog/policy.ts';
import type { Verifier } from '../../../../tlog/verifier-key.ts';
import type { PublishedState } from './rows.ts';

/**
 * Makes the function that is shown the newest published checkpoint, whichever instance published it, and
 * tells metrics and log how old it is and which witnesses follow.
 */
export function makePublicationWatch(deps: {
  policy: Policy;
  metrics: CheckpointMetrics;
  logger: Logger;
  clock: { monotonic(): number };
}): (published: PublishedState) => void {
  const { policy, metrics, logger, clock } = deps;
  /** Since when each witness has not cosigned the newest checkpoint; absent while it has. */
  const behindSinceMs = new Map<string, number>();
  for (const { name } of policy.witnesses) {
    metrics.watchWitness(name, () => {
      const sinceMs = behindSinceMs.get(name);
      return sinceMs === undefined ? 0 : (clock.monotonic() - sinceMs) / 1_000;
    });
  }
  const follow = ({ name }: WitnessRule, hasCosigned: boolean) => {
    if (hasCosigned) behindSinceMs.delete(name);
    else if (!behindSinceMs.has(name)) behindSinceMs.set(name, clock.monotonic());
  };
  const quorum = makeQuorumWatch(policy, logger);
  let lastNote: string | undefined;

  return (published) => {
    const { note } = published;
    if (note === lastNote) return;
    lastNote = note;
    metrics.published(published);
    const cosigners = policy.witnesses.filter(({ verifier }) => hasSigned(note, verifier));
    for (const witness of policy.witnesses) follow(witness, cosigners.includes(witness));
    quorum(cosigners);
  };
}

/** Logs when a published checkpoint lacks the quorum that the one before had, and the other way round. */
function makeQuorumWatch(policy: Policy, logger: Logger) {
  let hadQuorum = true;
  return (cosigners: readonly WitnessRule[]): void => {
    const keys = cosigners.map(({ verifier }) => verifier);
    const hasQuorum = isQuorumMet(policy, keys);
    if (hasQuorum === hadQuorum) return;
    hadQuorum = hasQuorum;
    if (hasQuorum) logger.info('audit_quorum_met');
    else logger.warn('audit_quorum_not_met');
  };
}

function hasSigned(note: string, verifier: Verifier): boolean {
  try {
    return openNote(note, [verifier]).verified.length > 0;
  } catch {
    return false;
  }
}
