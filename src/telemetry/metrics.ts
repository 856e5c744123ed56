import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

const PREFIX = 'counterfoil_';
const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5];
const BATCHES = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512];

/** Connections of one pool, now. */
export type PoolReading = { total: number; idle: number; waiting: number };

/** Every number that the service publishes. Labels are names from our own code, never input. */
export type Metrics = {
  /** `route` is the pattern it was declared with, `(unknown)` when none matched. */
  httpRequest: (request: {
    route: string;
    method: string;
    status: number;
    seconds: number;
  }) => void;
  audit: {
    /** Events that wait for a commit, read when scraped. */
    watchQueue: (read: () => number) => void;
    /** One flush became durable. */
    committed: (batch: { events: number; seconds: number }) => void;
    /** One flush, or one event's deadline, failed. */
    failed: (reason: 'commit' | 'deadline' | 'queue_full') => void;
  };
  /** One shared statement of `kind` carried `items` calls. */
  coalesced: (batch: { kind: string; items: number }) => void;
  /** Publishes a pool's connections, read when scraped. */
  watchPool: (pool: string, read: () => PoolReading) => void;
  /** The Prometheus text of everything. */
  expose: () => Promise<{ contentType: string; body: string }>;
};

/** Makes a registry of its own, with the process defaults (CPU, memory, event loop, GC). */
export function makeMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: PREFIX });
  const registers = [registry];

  const httpSeconds = new Histogram({
    name: `${PREFIX}http_request_duration_seconds`,
    help: 'Time from the request line to the last byte of the answer.',
    labelNames: ['route', 'method', 'status'],
    buckets: SECONDS,
    registers,
  });
  const coalescedItems = new Histogram({
    name: `${PREFIX}coalesced_items`,
    help: 'Calls that shared one statement.',
    labelNames: ['kind'],
    buckets: BATCHES,
    registers,
  });
  return {
    httpRequest: ({ route, method, status, seconds }) =>
      httpSeconds.observe({ route, method, status }, seconds),
    audit: makeAuditMetrics(registers),
    coalesced: ({ kind, items }) => coalescedItems.observe({ kind }, items),
    watchPool: makePoolWatcher(registers),
    expose: async () => ({ contentType: registry.contentType, body: await registry.metrics() }),
  };
}

function makeAuditMetrics(registers: Registry[]): Metrics['audit'] {
  const events = new Histogram({
    name: `${PREFIX}audit_batch_events`,
    help: 'Audit events made durable by one commit.',
    buckets: BATCHES,
    registers,
  });
  const seconds = new Histogram({
    name: `${PREFIX}audit_commit_seconds`,
    help: 'Time of one audit commit.',
    buckets: SECONDS,
    registers,
  });
  const failures = new Counter({
    name: `${PREFIX}audit_failures_total`,
    help: 'Audit flushes or events that were not known durable in time; each withholds answers.',
    labelNames: ['reason'],
    registers,
  });
  // A counter that is absent until its first failure cannot be alerted on: start it at zero.
  for (const reason of ['commit', 'deadline', 'queue_full']) {
    failures.inc({ reason }, 0);
  }
  return {
    watchQueue: (read) => {
      new Gauge({
        name: `${PREFIX}audit_queue_events`,
        help: 'Audit events waiting for a commit.',
        registers,
        collect() {
          this.set(read());
        },
      });
    },
    committed: (batch) => {
      events.observe(batch.events);
      seconds.observe(batch.seconds);
    },
    failed: (reason) => failures.inc({ reason }),
  };
}

function makePoolWatcher(registers: Registry[]): Metrics['watchPool'] {
  const readers = new Map<string, () => PoolReading>();
  new Gauge({
    name: `${PREFIX}pool_connections`,
    help: 'Connections of a pool, and callers waiting for one.',
    labelNames: ['pool', 'state'],
    registers,
    collect() {
      for (const [pool, read] of readers) {
        const reading = read();
        this.set({ pool, state: 'total' }, reading.total);
        this.set({ pool, state: 'idle' }, reading.idle);
        this.set({ pool, state: 'waiting' }, reading.waiting);
      }
    },
  });
  return (pool, read) => {
    readers.set(pool, read);
  };
}
