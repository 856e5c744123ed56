import { AggregatorRegistry, Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';

const PREFIX = 'counterfoil_';
const RESIDENT = `${PREFIX}process_resident_memory_bytes`;

/** All numbers of one process at one moment, as a worker sends them to its primary. */
export type Snapshot = Awaited<ReturnType<Registry['getMetricsAsJSON']>>;

/**
 * How the numbers of several workers become one, by the first pattern that is in the name. What none fits is
 * added up: what each did, holds or waits for. The largest counts where all look at the same thing (the log, the
 * database, the clock), or where the worst of them is what matters.
 */
const RULES = [
  [/_info$/, 'first'],
  [/_start_time_seconds$|_lag_min_seconds$/, 'min'],
  [/_(age|timestamp|lag)_seconds$|_eventloop_lag_|_ratio$|_(active|left_alone|max_fds)$/, 'max'],
  [/_audit_(frozen|checkpoint_size|pending_events|fsck_findings)$/, 'max'],
  [/_token_space_used$|_journal_altered_entries$/, 'max'],
] as const;

/** The numbers of a process that keeps workers: its own, and theirs put together. */
export type WorkersMetrics = {
  /** How many listen now. */
  serving: (workers: number) => void;
  /** The one at this place (1 is the first) ended by itself. */
  ended: (place: number) => void;
  /** The Prometheus text of everything, from what each worker says; `undefined`: it said nothing in time. */
  expose: (
    said: readonly (Snapshot | undefined)[],
  ) => Promise<{ contentType: string; body: string }>;
};

/** Makes the metrics of that process; its own CPU and memory count with those of its workers. */
export function makeWorkersMetrics(): WorkersMetrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: PREFIX });
  const registers = [registry];
  const serving = new Gauge({
    name: `${PREFIX}workers_serving`,
    help: 'Workers that listen now.',
    registers,
  });
  const ends = new Counter({
    name: `${PREFIX}workers_ended_total`,
    help: 'Workers that ended without having been asked to.',
    registers,
  });
  const memory = new Gauge({
    name: `${PREFIX}worker_resident_memory_bytes`,
    help: 'Resident memory of each worker.',
    labelNames: ['worker'],
    registers,
  });
  const last = new Map<number, Snapshot>();
  // What ended workers have counted. A sum that falls looks to Prometheus like a counter that began anew, and
  // all of it like growth: an alarm for nothing.
  let past: Promise<Snapshot> = Promise.resolve([]);

  return {
    serving: (workers) => serving.set(workers),
    ended: (place) => {
      ends.inc();
      const counted = (last.get(place) ?? []).filter(isCounting);
      last.delete(place);
      memory.remove({ worker: place });
      past = past.then((before) => merge([before, counted]).getMetricsAsJSON());
    },
    expose: async (said) => {
      for (const [index, snapshot] of said.entries()) {
        if (snapshot === undefined) continue;
        last.set(index + 1, snapshot);
        const resident = snapshot.find(({ name }) => name === RESIDENT)?.values[0]?.value;
        if (resident !== undefined) memory.set({ worker: index + 1 }, resident);
      }
      // Both of one moment: between them a worker could end, and be in neither.
      const [before, now] = [past, [...last.values()]];
      const together = merge([await registry.getMetricsAsJSON(), await before, ...now]);
      return { contentType: together.contentType, body: await together.metrics() };
    },
  };
}

function merge(snapshots: readonly Snapshot[]) {
  const named = snapshots.map((metrics) =>
    metrics.map((metric) => ({ ...metric, aggregator: ruleOf(metric.name) })),
  );
  return AggregatorRegistry.aggregate(named);
}

/** What only ever grows. The declared type is of names that prom-client exports as values, too. */
function isCounting({ type }: Snapshot[number]): boolean {
  return ['counter', 'histogram'].includes(String(type));
}

function ruleOf(name: string): 'sum' | 'first' | 'min' | 'max' {
  return RULES.find(([pattern]) => pattern.test(name))?.[1] ?? 'sum';
}
