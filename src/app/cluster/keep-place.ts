import { setTimeout as sleep } from 'node:timers/promises';
import { VaultError } from '../../domain/errors.ts';
import type { Clock } from '../../operations/ports/clock.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { makeRestarts } from './restarts.ts';
import type { WorkerProcess } from './worker-process.ts';

/** A worker that says nothing for so long does not serve either: it is ended, and replaced. */
const SILENT_AFTER_MS = 30_000;
const LOOK_EVERY_MS = 5_000;

/** One of several places, where a worker shall be. */
export type Place = {
  place: number;
  /** The base URL that all workers share. */
  http: string;
  launch: () => WorkerProcess;
  stopping: AbortSignal;
  clock: Pick<Clock, 'monotonic'>;
  logger: Pick<Logger, 'error'>;
  /** Told what a replacement that cannot start says of it, for the operator. */
  warn: (problem: string) => void;
  /** Called when a worker has begun, or ceased, to serve. */
  changed: () => void;
  /** Called when one has ended by itself. */
  ended: () => void;
};

/**
 * Replaces a worker when it ends, and its replacement, and so on. Rejects when one has ended again and again;
 * resolves, or rejects with an `AbortError`, after `stopping`.
 */
export async function keepPlace(at: Place, first: WorkerProcess): Promise<void> {
  const restarts = makeRestarts();
  for (let worker = first; ; worker = at.launch()) {
    const servedMs = await outlive(at, worker);
    const { code, signal } = await worker.ended;
    if (at.stopping.aborted) return;
    at.ended();
    const pauseMs = restarts.pauseAfter(servedMs);
    const how = { code: code ?? undefined, signal: signal ?? undefined };
    at.logger.error('worker_ended', { worker: at.place, ...how, pauseMs });
    if (pauseMs === undefined) throw await problemOf(at, worker);
    await sleep(pauseMs, undefined, { signal: at.stopping });
  }
}

/** Waits until a worker serves no more; how long it did, in milliseconds. */
async function outlive(at: Place, worker: WorkerProcess): Promise<number> {
  const url = await worker.listening.catch((problem: Error) => {
    if (!at.stopping.aborted) at.warn(problem.message);
  });
  if (url === undefined) return 0;
  if (url !== at.http) throw portLost();
  const sinceMs = at.clock.monotonic();
  at.changed();
  const watch = setInterval(() => void endWhenSilent(at, worker), LOOK_EVERY_MS);
  await worker.ended;
  clearInterval(watch);
  at.changed();
  return at.clock.monotonic() - sinceMs;
}

/** `/livez` is the primary's, which turns although a worker hangs: nobody else would notice. */
async function endWhenSilent({ place, logger }: Place, worker: WorkerProcess): Promise<void> {
  const isAlive = await worker.ask('alive', SILENT_AFTER_MS);
  if (isAlive === undefined && worker.isServing()) {
    logger.error('worker_silent', { worker: place });
    worker.kill();
  }
}

/** Why a place is given up: what the last worker said itself, or that it ended again and again. */
function problemOf({ place }: Place, worker: WorkerProcess): Promise<unknown> {
  const detail = `worker ${place} ended again and again; the log says how`;
  return worker.listening.then(
    () => new VaultError('internal', { detail }),
    (problem: unknown) => problem,
  );
}

/** A drawn port is kept for as long as one of the workers listens on it. */
function portLost(): VaultError {
  const detail =
    'all workers ended at once, and the port that was drawn for them is gone: start again, or set COUNTERFOIL_HTTP_PORT';
  return new VaultError('internal', { detail });
}
