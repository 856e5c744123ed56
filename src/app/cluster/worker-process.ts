import type { Worker } from 'node:cluster';
import { VaultError } from '../../domain/errors.ts';
import type { Answers, FromWorker, Question, ToWorker } from './messages.ts';

/** Readiness asks the database, which may take its three seconds to say no. */
const ANSWER_WITHIN_MS = 5_000;

export type WorkerEnd = { code: number | null; signal: string | null };

/** A process that was forked; node:cluster's own, or a test's. */
export type Forked = Pick<Worker, 'on' | 'send'> & { process: Pick<Worker['process'], 'kill'> };

/** A worker, as its primary sees it. */
export type WorkerProcess = {
  /** Resolves to its base URL once it listens; rejects with its own problem when it ends before. */
  listening: Promise<string>;
  ended: Promise<WorkerEnd>;
  isServing(): boolean;
  /** `undefined` when it says nothing within the time, or has ended. Never rejects. */
  ask<What extends Question>(what: What, withinMs?: number): Promise<Answers[What] | undefined>;
  stop(): void;
  kill(): void;
};

/** Talks with one worker, from its fork to its end. `place` says which of them it is; 1 is the first. */
export function makeWorkerProcess(forked: Forked, place: number): WorkerProcess {
  const listening = Promise.withResolvers<string>();
  const ended = Promise.withResolvers<WorkerEnd>();
  const asked = new Map<number, (value: Answers[Question] | undefined) => void>();
  let nextId = 0;
  let isServing = false;
  // A channel that has broken is followed by the end of the process, which is where it is dealt with.
  const send = (message: ToWorker) => void forked.send(message, () => {});

  forked.on('error', () => {});
  forked.on('message', (message: FromWorker) => {
    if (message.kind === 'here') {
      send({ kind: 'start', place });
    } else if (message.kind === 'listening') {
      isServing = true;
      listening.resolve(message.http);
    } else if (message.kind === 'failed') {
      listening.reject(new VaultError('internal', { detail: message.problem }));
    } else {
      asked.get(message.id)?.(message.value);
    }
  });
  forked.on('exit', (code: number | null, signal: string | null) => {
    isServing = false;
    const how = signal === null ? `exit code ${code}` : signal;
    const detail = `worker ${place} ended at its start (${how})`;
    listening.reject(new VaultError('internal', { detail }));
    for (const answer of asked.values()) answer(undefined);
    ended.resolve({ code, signal });
  });
  // Whoever does not wait for it hears of the end.
  listening.promise.catch(() => {});

  return {
    listening: listening.promise,
    ended: ended.promise,
    isServing: () => isServing,
    ask<What extends Question>(what: What, withinMs = ANSWER_WITHIN_MS) {
      if (!isServing) return Promise.resolve(undefined);
      const id = nextId++;
      return new Promise<Answers[What] | undefined>((resolve) => {
        const settle = (value: Answers[Question] | undefined) => {
          clearTimeout(timer);
          asked.delete(id);
          // The worker answers what it was asked.
          resolve(value as Answers[What] | undefined);
        };
        const timer = setTimeout(settle, withinMs, undefined);
        asked.set(id, settle);
        send({ kind: 'question', id, what });
      });
    },
    stop: () => send({ kind: 'stop' }),
    kill: () => void forked.process.kill('SIGKILL'),
  };
}
