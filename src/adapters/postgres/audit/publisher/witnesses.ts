import type {
  CosignRequest,
  Witness,
  WitnessAnswer,
} from '../../../../operations/ports/witness.ts';
import type { Logger } from '../../../../telemetry/logger.ts';

/** What came of asking all witnesses. */
export type Cosignatures = {
  /** Verified signature lines, in the order of the policy. */
  lines: string;
  /** Witnesses that say they have cosigned a larger tree. */
  ahead: { witness: string; size: number; note?: string }[];
};

/**
 * Makes the function that asks all witnesses at once, and waits `limitMs` at most: they make the log
 * better, and must not stop it (AUDIT-LOG §4.6). It never rejects. What fails is logged when it begins to
 * fail, and when it ends.
 */
export function makeCosigning(deps: {
  witnesses: readonly Witness[];
  logger: Logger;
  limitMs: number;
}): (request: CosignRequest) => Promise<Cosignatures> {
  const { witnesses, logger, limitMs } = deps;
  const failing = new Set<string>();

  const report = (witness: string, answer: WitnessAnswer) => {
    const fails = answer.kind !== 'cosigned';
    if (fails === failing.has(witness)) return;
    if (fails) {
      failing.add(witness);
      const reason = answer.kind === 'failed' ? answer.reason : answer.kind;
      logger.warn('audit_witness_failed', { witness, reason });
    } else {
      failing.delete(witness);
      logger.info('audit_witness_recovered', { witness });
    }
  };

  return async (request) => {
    const answers = await askAll(witnesses, request, limitMs);
    for (const { witness, answer } of answers) report(witness, answer);
    return {
      lines: answers.map(({ answer }) => (answer.kind === 'cosigned' ? answer.line : '')).join(''),
      ahead: answers.flatMap(({ witness, answer: { kind, ...claim } }) =>
        kind === 'ahead' && 'size' in claim ? [{ witness, ...claim }] : [],
      ),
    };
  };
}

async function askAll(witnesses: readonly Witness[], request: CosignRequest, limitMs: number) {
  const stop = new AbortController();
  const late = Promise.withResolvers<WitnessAnswer>();
  const timer = setTimeout(() => {
    // Also without the witness's doing: it may not heed the signal.
    late.resolve({ kind: 'failed', reason: 'timeout' });
    stop.abort();
  }, limitMs);
  const ask = async (witness: Witness): Promise<WitnessAnswer> => {
    try {
      return await witness.cosign(request, stop.signal);
    } catch {
      // Our own fault: no proof could be made for it.
      return { kind: 'failed', reason: 'unreachable' };
    }
  };
  try {
    return await Promise.all(
      witnesses.map(async (witness) => ({
        witness: witness.name,
        answer: await Promise.race([ask(witness), late.promise]),
      })),
    );
  } finally {
    clearTimeout(timer);
  }
}
