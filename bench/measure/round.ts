// One stretch of load, and what it cost: throughput and latencies as the generator saw them, CPU by process,
// memory of the service, commits of its audit log.
import { setTimeout as sleep } from 'node:timers/promises';
import type { DatabaseServer } from '../lab/database.ts';
import type { Server } from '../lab/processes.ts';
import type { Generator, LoadFigures } from '../load/generator.ts';
import type { Workload } from '../load/workload.ts';
import type { Round } from '../report/result.ts';
import { cpuMicros, readCpu, readRssMib } from './cpu.ts';
import { histogramBetween, parseMetrics, type Samples } from './metrics-text.ts';

const MEMORY_EVERY_MS = 200;
/** How long a round waits for the tree to have its events: what they cost is then its own, not the next one's. */
const SETTLE_MS = 10_000;
const SETTLE_POLL_MS = 50;

/** Where a load goes: one server, or several that share it. */
export type LoadTarget = {
  servers: readonly Server[];
  workload: Workload;
  connections: number;
  itemsPerRequest: number;
  seconds: number;
};

/** Loads the servers together, each with its share of the connections. */
export async function measureRound(
  deps: { generator: Generator; postgres: DatabaseServer },
  { servers, workload, connections, itemsPerRequest, seconds }: LoadTarget,
): Promise<Round> {
  const watched = servers.map(({ pid }) => ({ name: 'service', pid }));
  const [cpuBefore, before] = [await readCpu(watched, deps.postgres), await readMetrics(servers)];
  const memory = watchMemory(servers.map(({ pid }) => pid));
  const share = Math.max(1, Math.floor(connections / servers.length));
  const figures = await Promise.all(
    servers.map(({ http }) =>
      deps.generator.load({ url: http, connections: share, seconds, workload }),
    ),
  );
  const rssMib = await memory.stop();
  const after = await readMetrics(servers);
  await settle(servers);
  const cpuAfter = await readCpu(watched, deps.postgres);
  const requests = figures.reduce((sum, figure) => sum + figure.requests, 0);
  const cpu = cpuMicros(cpuBefore, cpuAfter, requests);
  const commits = commitsBetween(before, after, figures[0]?.seconds ?? seconds);
  return {
    ...roundOf(figures, itemsPerRequest),
    ...(Object.keys(cpu).length > 0 && { cpuMicros: cpu }),
    ...(rssMib !== undefined && { rssMib }),
    ...(commits !== undefined && { commits }),
  };
}

/** Rates add up; of latencies that were measured apart the worst is told. */
export function roundOf(figures: readonly LoadFigures[], itemsPerRequest: number): Round {
  const worst = (pick: (latency: LoadFigures['latencyMs']) => number) =>
    Math.max(...figures.map(({ latencyMs }) => pick(latencyMs)));
  const requestRate = figures.reduce((sum, { requests, seconds }) => sum + requests / seconds, 0);
  return {
    perSecond: rounded(requestRate * itemsPerRequest),
    latencyMs: {
      p50: rounded(worst(({ p50 }) => p50)),
      p99: rounded(worst(({ p99 }) => p99)),
      p999: rounded(worst(({ p999 }) => p999)),
    },
    failed: figures.reduce((sum, { failed }) => sum + failed, 0),
  };
}

/** No figure is better than this. */
const rounded = (value: number): number => Math.round(value * 1_000) / 1_000;

/** The metrics of a service; none of one without an admin port. */
export async function scrape({ admin }: Server): Promise<Samples> {
  if (admin === '') return new Map();
  const answer = await fetch(`${admin}/metrics`);
  return parseMetrics(await answer.text());
}

const readMetrics = (servers: readonly Server[]) => Promise.all(servers.map(scrape));

/** Waits until the tree has the events of these servers, for some seconds at most. */
export async function settle(servers: readonly Server[]): Promise<void> {
  const untilMs = performance.now() + SETTLE_MS;
  const isPending = (samples: Samples) =>
    (samples.get('counterfoil_audit_unintegrated_events') ?? 0) > 0;
  while (performance.now() < untilMs && (await readMetrics(servers)).some(isPending)) {
    await sleep(SETTLE_POLL_MS);
  }
}

function commitsBetween(
  before: readonly Samples[],
  after: readonly Samples[],
  seconds: number,
): Round['commits'] {
  const [first = new Map<string, number>(), last = new Map<string, number>()] = [
    before[0],
    after[0],
  ];
  const took = histogramBetween(first, last, 'counterfoil_audit_commit_seconds');
  const batches = histogramBetween(first, last, 'counterfoil_audit_batch_events');
  if (took.count === 0) return undefined;
  return {
    perSecond: rounded(took.count / seconds),
    events: rounded(batches.sum / batches.count),
    ...bounded('p50Ms', took.atShare(0.5)),
    ...bounded('p99Ms', took.atShare(0.99)),
  };
}

function bounded<Name extends string>(
  name: Name,
  seconds: number | undefined,
): { [key in Name]?: number } {
  return seconds === undefined ? {} : ({ [name]: seconds * 1_000 } as { [key in Name]: number });
}

/** Looks at the memory of processes until it is stopped; they count as one. */
function watchMemory(pids: readonly number[]) {
  const stopped = new AbortController();
  let [peak, end] = [0, 0];
  const look = async () => {
    const sizes = await Promise.all(pids.map(readRssMib));
    end = sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0);
    peak = Math.max(peak, end);
  };
  const watching = (async () => {
    while (!stopped.signal.aborted) {
      await look();
      await sleep(MEMORY_EVERY_MS, undefined, { signal: stopped.signal }).catch(() => {});
    }
    await look();
  })();
  return {
    stop: async () => {
      stopped.abort();
      await watching;
      return peak === 0 ? undefined : { peak: Math.round(peak), end: Math.round(end) };
    },
  };
}
