import { getHeapStatistics } from 'node:v8';

/** What one instance accepts. Fastify's own defaults for most of these are "no limit". */
export type Limits = {
  /** Of a whole body; of a stream, of each line. */
  bodyBytes: number;
  headerBytes: number;
  /** Requests being worked on at once; more are shed, before they cost a signature check. */
  requestsInFlight: number;
  /** Streams among them: of all callers, and of each. */
  streams: number;
  streamsPerCaller: number;
  /** Silence on a socket after which it is closed; no byte either way, for streams. */
  idleSocketMs: number;
  /** Time for a whole request to arrive (slow bodies), unless it is a stream. */
  requestMs: number;
  /** Time for its headers to arrive (slow headers). */
  headersMs: number;
  /** Mean delay of the event loop, over a second, above which requests are shed. */
  eventLoopDelayMs: number;
  heapUsedBytes: number;
};

export const DEFAULT_LIMITS: Readonly<Limits> = {
  bodyBytes: 4 * 1024 * 1024,
  headerBytes: 16 * 1024,
  requestsInFlight: 2048,
  streams: 32,
  streamsPerCaller: 8,
  idleSocketMs: 60_000,
  requestMs: 30_000,
  headersMs: 10_000,
  eventLoopDelayMs: 250,
  heapUsedBytes: Math.floor(getHeapStatistics().heap_size_limit * 0.9),
};
