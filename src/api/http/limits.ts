import { getHeapStatistics } from 'node:v8';

/** What one instance accepts. Fastify's own defaults for most of these are "no limit". */
export type Limits = {
  /** Of a whole body; of a stream, of each line. */
  bodyBytes: number;
  headerBytes: number;
  /**
   * Work under way at once that is never exceeded, in units: a small request is one, a larger one more by its size.
   * The limit that counts follows the load, below this one; what is above it is refused before it costs a
   * signature check.
   */
  requestsInFlight: number;
  /** The limit never falls below so many units: fewer are no overload, however slow they are. */
  leastInFlight: number;
  /** When even the fastest answers take longer than this, less is let in. */
  targetMs: number;
  /** A request whose answer would take longer than this is refused. */
  answerMs: number;
  /** Bodies of more than 16 KiB, of all requests together. */
  largeBodiesBytes: number;
  /** Sockets at once; more are closed without an answer. */
  connections: number;
  /** Streams among them: of all callers, and of each. */
  streams: number;
  streamsPerCaller: number;
  /** Silence on a socket after which it is closed; no byte either way, for streams. */
  idleSocketMs: number;
  /** Time for a whole request to arrive (slow bodies), unless it is a stream. */
  requestMs: number;
  /** Time for its headers to arrive (slow headers). */
  headersMs: number;
  heapUsedBytes: number;
};

export const DEFAULT_LIMITS: Readonly<Limits> = {
  bodyBytes: 4 * 1024 * 1024,
  headerBytes: 16 * 1024,
  requestsInFlight: 2048,
  leastInFlight: 256,
  targetMs: 30,
  answerMs: 1_000,
  largeBodiesBytes: 32 * 1024 * 1024,
  connections: 8192,
  streams: 32,
  streamsPerCaller: 8,
  idleSocketMs: 60_000,
  requestMs: 30_000,
  headersMs: 10_000,
  heapUsedBytes: Math.floor(getHeapStatistics().heap_size_limit * 0.9),
};
