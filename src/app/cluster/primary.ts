import cluster from 'node:cluster';
import { makeAdminServer, type Readiness } from '../../api/http/admin.ts';
import type { Config } from '../../config/load-config.ts';
import { makeLogger } from '../../telemetry/logger.ts';
import { makeWorkersMetrics } from '../../telemetry/metrics-workers.ts';
import { STOP_WITHIN_MS, type StopSignals } from '../stop-signals.ts';
import { systemClock as clock } from '../system-clock.ts';
import { superviseWorkers, type Workers } from './supervisor.ts';

/** Several workers that serve on one port, and the admin port over them. */
export type ServiceOfWorkers = {
  /** Base URLs without a path. */
  http: string;
  admin: string;
  /** Rejects when the workers cannot be kept up. Never resolves. */
  failed: Promise<never>;
  /** Lets all finish what is under way; none is left when it resolves. */
  close(): Promise<void>;
};

/**
 * Starts `config.workers` processes like this one, each with the whole service, on one port. This process has
 * no key and sees no request: it accepts connections and hands them to the workers in turn (node:cluster's
 * round robin), so that a few long-lived connections are spread evenly; the kernel's own spreading
 * (SO_REUSEPORT) goes by hash, and leaves one of two workers with most of a handful.
 *
 * Rejects with what the first worker that could not start says, or when `stop` aborts; no worker is left then.
 */
export async function startWorkers(
  options: StopSignals & { config: Config; warn: (line: string) => void },
): Promise<ServiceOfWorkers> {
  const { config, stop, hurry, warn } = options;
  const logger = makeLogger({ level: config.logLevel, redact: [], isShared: true });
  const metrics = makeWorkersMetrics();
  let workers: Workers | undefined;
  const admin = makeAdminServer({
    ready: async () => {
      const isDraining = stop.aborted;
      return combine((await workers?.ask('readiness')) ?? [undefined], isDraining);
    },
    metrics: { expose: async () => metrics.expose((await workers?.ask('metrics')) ?? []) },
  });
  const close = async () => {
    const late = setTimeout(() => workers?.kill(), STOP_WITHIN_MS.workers);
    await workers?.stop();
    clearTimeout(late);
    await admin.close();
  };
  const stopped = new Promise<never>((_, reject) => {
    stop.addEventListener('abort', () => reject(stop.reason), { once: true });
  });
  // When it aborts, nobody may be waiting for it yet, or any more.
  stopped.catch(() => {});
  hurry.addEventListener('abort', () => workers?.kill(), { once: true });
  try {
    const adminUrl = await admin.listen({ host: config.host, port: config.adminPort });
    stop.throwIfAborted();
    // Numbers that JSON does not have are among the metrics.
    cluster.setupPrimary({ serialization: 'advanced' });
    const fork = () => cluster.fork();
    workers = superviseWorkers({ count: config.workers, fork, clock, logger, metrics, warn });
    const http = await Promise.race([workers.listening, stopped]);
    logger.info('listening', { http, admin: adminUrl, workers: config.workers });
    return { http, admin: adminUrl, failed: workers.failed, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Ready when every worker is; each check holds when it holds for all that answered. */
function combine(all: readonly (Readiness | undefined)[], isDraining: boolean): Readiness {
  const said = all.filter((readiness) => readiness !== undefined);
  const checks: Record<string, boolean> = {};
  for (const [name, holds] of said.flatMap((readiness) => Object.entries(readiness.checks))) {
    checks[name] = holds && checks[name] !== false;
  }
  checks['accepting'] = !isDraining && checks['accepting'] !== false;
  checks['workers'] = said.length === all.length;
  return { ok: Object.values(checks).every(Boolean), checks };
}
