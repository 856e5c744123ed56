import { Worker } from 'node:worker_threads';
import type { Clock } from '../../../../operations/ports/clock.ts';
import { describeError, type ErrorFacts } from '../../../../telemetry/describe-error.ts';
import type { Alarms } from './alarms.ts';
import type { FromWorker, Question, ToWorker, WorkerOptions } from './messages.ts';

/** The thread, as the rest of the process sees it. */
export type Sequencer = {
  /** Asks for a cycle now: somebody waits for it. */
  nudge(): void;
  /**
   * Ends the cycle in hand, goes on until nothing is pending or `withinMs` is over, and ends the thread.
   * What is left then, another instance integrates, or this one when it starts again. Never rejects.
   */
  close(withinMs: number): Promise<void>;
};

/** A thread that has not said anything by then is not waited for: the service can start without it. */
const READY_WITHIN_MS = 10_000;

type SupervisorDeps = {
  options: WorkerOptions;
  alarms: Alarms;
  clock: Clock;
  answer: (question: Question) => Promise<unknown>;
};

/** The entry of the thread: beside this file, as source or as built. */
const ENTRY = new URL(`./worker.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url);
const MIN_BACKOFF_MS = 100;
const MAX_BACKOFF_MS = 10_000;
/** A thread reports several times a second; a database that does not answer can delay it by some. */
const SILENT_AFTER_MS = 15_000;
const CHECK_EVERY_MS = 1_000;
/** To close connections, after the last cycle. */
const END_WITHIN_MS = 4_000;

/**
 * Keeps one thread running, answers its questions, and passes on what it reports. `ready` resolves when it
 * has begun to work, or is not waited for any longer.
 */
export function superviseWorker(deps: SupervisorDeps): Sequencer & { ready: Promise<void> } {
  const { alarms, clock } = deps;
  let worker: Worker | undefined;
  let backoffMs = MIN_BACKOFF_MS;
  let heardMs = clock.monotonic();
  let isClosing = false;
  const { promise: ready, resolve: isReady } = Promise.withResolvers<void>();
  setTimeout(isReady, READY_WITHIN_MS).unref();

  function spawn(): void {
    let fault: ErrorFacts = { name: 'exit' };
    const mine = new Worker(ENTRY, { workerData: deps.options, name: 'sequencer' });
    worker = mine;
    mine.on('message', (message: FromWorker) => {
      heardMs = clock.monotonic();
      if (message.kind === 'question') {
        void reply(mine, message, deps.answer);
      } else if (message.kind === 'report') {
        isReady();
        backoffMs = MIN_BACKOFF_MS;
        alarms.report(message.report);
      } else {
        alarms.condition('cycle_failed', true, { error: message.error });
      }
    });
    mine.on('error', (error) => {
      fault = describeError(error);
    });
    mine.on('exit', () => {
      worker = undefined;
      if (!isClosing) {
        alarms.raise('worker_died', { error: fault });
        setTimeout(() => isClosing || spawn(), backoffMs).unref();
        backoffMs = Math.min(MAX_BACKOFF_MS, backoffMs * 2);
      }
    });
  }

  spawn();
  const check = setInterval(() => {
    const silentMs = clock.monotonic() - heardMs;
    alarms.condition('worker_silent', silentMs > SILENT_AFTER_MS, { silentMs });
  }, CHECK_EVERY_MS);
  check.unref();

  return {
    ready,
    nudge: () => worker?.postMessage({ kind: 'nudge' } satisfies ToWorker),
    close: async (withinMs) => {
      isClosing = true;
      clearInterval(check);
      if (worker !== undefined) {
        await end(worker, withinMs);
      }
    },
  };
}

async function reply(
  worker: Worker,
  { id, question }: { id: number; question: Question },
  answer: SupervisorDeps['answer'],
): Promise<void> {
  const message: ToWorker = await answer(question).then(
    (value) => ({ kind: 'answer', id, value }),
    () => ({ kind: 'refusal', id }),
  );
  worker.postMessage(message);
}

async function end(worker: Worker, withinMs: number): Promise<void> {
  const ended = new Promise<void>((resolve) => {
    worker.once('exit', () => resolve());
  });
  worker.postMessage({ kind: 'close', withinMs } satisfies ToWorker);
  // Killed in the middle of a cycle, it leaves nothing half done: the server rolls back.
  const timer = setTimeout(() => void worker.terminate(), withinMs + END_WITHIN_MS);
  await ended;
  clearTimeout(timer);
}
