import type { WorkersMetrics } from '../../telemetry/metrics-workers.ts';
import { keepPlace, type Place } from './keep-place.ts';
import type { Answers, Question } from './messages.ts';
import { type Forked, makeWorkerProcess, type WorkerProcess } from './worker-process.ts';

type SupervisorDeps = Pick<Place, 'clock' | 'logger' | 'warn'> & {
  count: number;
  fork: () => Forked;
  metrics: Pick<WorkersMetrics, 'serving' | 'ended'>;
};

/** Several workers, kept in number until they are stopped. */
export type Workers = {
  /** The base URL of all, once all listen. Rejects with the problem of the first that cannot start. */
  listening: Promise<string>;
  /** Rejects when a worker had to be given up. Never resolves. */
  failed: Promise<never>;
  /** Asks each; by place, `undefined` where nobody answers in time. */
  ask<What extends Question>(what: What): Promise<(Answers[What] | undefined)[]>;
  /** Lets each finish what is under way; resolves when all have ended. */
  stop(): Promise<void>;
  /** Ends each at once. */
  kill(): void;
};

/**
 * Starts workers and replaces those that end. The first starts alone: what needs doing once (a new policy, a new
 * log) it does, and what is wrong with the settings it says, once.
 */
export function superviseWorkers(deps: SupervisorDeps): Workers {
  const { count, fork, metrics, clock, logger, warn } = deps;
  /** By place, from 1. */
  const running = new Map<number, WorkerProcess>();
  const stopping = new AbortController();
  const failure = Promise.withResolvers<never>();
  // It may be that nobody waits for it any more.
  failure.promise.catch(() => {});
  const all = () => [...running.values()];

  const launch = (place: number): WorkerProcess => {
    const worker = makeWorkerProcess(fork(), place);
    running.set(place, worker);
    return worker;
  };
  const keep = (place: number, first: WorkerProcess, http: string) =>
    keepPlace(
      {
        ...{ place, http, clock, logger, warn },
        launch: () => launch(place),
        stopping: stopping.signal,
        changed: () => metrics.serving(all().filter((worker) => worker.isServing()).length),
        ended: () => metrics.ended(place),
      },
      first,
    ).catch(failure.reject);

  async function start(): Promise<string> {
    const http = await launch(1).listening;
    const others = Array.from({ length: count - 1 }, (_, index) => launch(index + 2));
    await Promise.all(others.map((worker) => worker.listening));
    for (const [place, worker] of running) void keep(place, worker, http);
    return http;
  }

  return {
    listening: start(),
    failed: failure.promise,
    ask: (what) =>
      Promise.all(Array.from({ length: count }, (_, index) => running.get(index + 1)?.ask(what))),
    async stop() {
      stopping.abort();
      for (const worker of all()) {
        // One that does not listen yet has nothing under way.
        if (worker.isServing()) worker.stop();
        else worker.kill();
      }
      await Promise.all(all().map((worker) => worker.ended));
    },
    kill() {
      stopping.abort();
      for (const worker of all()) worker.kill();
    },
  };
}
