import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { type AuditMetrics, makeAuditMetrics } from './metrics-audit.ts';
import { type CacheMetrics, makeCacheMetrics } from './metrics-cache.ts';
import { type CheckpointMetrics, makeCheckpointMetrics } from './metrics-checkpoint.ts';
import { type ErasureMetrics, makeErasureMetrics } from './metrics-erasures.ts';
import { type FsckMetrics, makeFsckMetrics } from './metrics-fsck.ts';
import { makeOverloadMetrics, type OverloadMetrics } from './metrics-overload.ts';
import { makeSequencerMetrics, type SequencerMetrics } from './metrics-sequencer.ts';
import { makeSweeperMetrics, type SweeperMetrics } from './metrics-sweeper.ts';
import { makeTokenMetrics, type TokenMetrics } from './metrics-tokens.ts';
import type { Snapshot } from './metrics-workers.ts';

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
  audit: AuditMetrics;
  cache: CacheMetrics;
  checkpoint: CheckpointMetrics;
  erasures: ErasureMetrics;
  fsck: FsckMetrics;
  overload: OverloadMetrics;
  sequencer: SequencerMetrics;
  sweeper: SweeperMetrics;
  tokens: TokenMetrics;
  /** One shared statement of `kind` carried `items` calls. */
  coalesced: (batch: { kind: string; items: number }) => void;
  /** Publishes a pool's connections, read when scraped. */
  watchPool: (pool: string, read: () => PoolReading) => void;
  /** Everything, to be put together with that of other processes. */
  snapshot: () => Promise<Snapshot>;
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
    cache: makeCacheMetrics(registers),
    checkpoint: makeCheckpointMetrics(registers),
    erasures: makeErasureMetrics(registers),
    fsck: makeFsckMetrics(registers),
    overload: makeOverloadMetrics(registers),
    sequencer: makeSequencerMetrics(registers),
    sweeper: makeSweeperMetrics(registers),
    tokens: makeTokenMetrics(registers),
    coalesced: ({ kind, items }) => coalescedItems.observe({ kind }, items),
    watchPool: makePoolWatcher(registers),
    snapshot: () => registry.getMetricsAsJSON(),
    expose: async () => ({ contentType: registry.contentType, body: await registry.metrics() }),
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
