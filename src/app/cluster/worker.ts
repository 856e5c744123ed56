import type { Service } from '../service.ts';
import { closeInTime, STOP_WITHIN_MS, type StopSignals, untilAborted } from '../stop-signals.ts';
import type { Answers, FromWorker, Question, ToWorker } from './messages.ts';

type Options = StopSignals & {
  /** Starts the service as one of several; `place` says which, 1 is the first. */
  start: (place: number) => Promise<Service>;
  /** What to tell the operator about a failure. */
  describe: (error: unknown) => readonly string[];
};

/**
 * Serves as a worker of the primary that forked this process, until that says stop; resolves to whether all went
 * well. A primary that is gone ends it at once (node:cluster exits when the channel breaks): nobody would be
 * left who could stop it, and what was acknowledged is durable.
 */
export async function runWorker({ start, stop, hurry, describe }: Options): Promise<boolean> {
  const told = Promise.withResolvers<number>();
  const over = new AbortController();
  let service: Service | undefined;
  process.on('message', (message: ToWorker) => {
    if (message.kind === 'start') told.resolve(message.place);
    else if (message.kind === 'stop') over.abort();
    else if (service !== undefined) void answer(service, message);
  });
  await send({ kind: 'here' });
  try {
    service = await start(await told.promise);
    await send({ kind: 'listening', http: service.http });
    await untilAborted(AbortSignal.any([stop, over.signal]));
    await closeInTime(service.close, { hurry, limitMs: STOP_WITHIN_MS.worker });
    return true;
  } catch (error) {
    // The primary prints it: once, whoever else fails of the same.
    await send({ kind: 'failed', problem: describe(error).join('\n') });
    return false;
  }
}

async function answer(
  service: Service,
  { id, what }: { id: number; what: Question },
): Promise<void> {
  const { ready, metrics } = service.probes;
  const answers: { [What in Question]: () => Promise<Answers[What]> } = {
    alive: async () => true,
    readiness: ready,
    metrics: metrics.snapshot,
  };
  // Without an answer the primary goes on by itself after a while.
  const value = await answers[what]().catch(() => undefined);
  if (value !== undefined) await send({ kind: 'answer', id, value });
}

/** Resolves when the message is on its way. Whether the channel is still there shows elsewhere. */
function send(message: FromWorker): Promise<void> {
  return new Promise((resolve) => {
    process.send?.(message, undefined, undefined, () => resolve());
  });
}
