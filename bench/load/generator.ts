import type { Workload } from './workload.ts';

/** What a load generator measured of one run. Latencies in milliseconds. */
export type LoadFigures = {
  /** Requests that were answered with a success. */
  requests: number;
  seconds: number;
  latencyMs: { p50: number; p99: number; p999: number };
  /** Answers that were no success, and requests without an answer. */
  failed: number;
};

export type LoadOptions = { url: string; connections: number; seconds: number; workload: Workload };

/** A closed loop over a number of connections: each sends its next request when it has its answer. */
export type Generator = {
  name: string;
  load(options: LoadOptions): Promise<LoadFigures>;
};
