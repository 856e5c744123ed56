import type { ErrorFacts } from '../../../../telemetry/describe-error.ts';
import type { CycleReport } from './report.ts';
import type { Delays } from './settle-writer.ts';

/** What the thread is started with. */
export type WorkerOptions = {
  connectionString: string;
  /** Origin of the log, without the shard. */
  baseOrigin: string;
  delays: Delays;
  thoroughEveryMs: number;
  /** Longest life of a key in the thread. */
  keyLifeMs: number;
};

/** What the thread cannot know of itself. */
export type Question = { what: 'audit-mac' } | { what: 'vkeys'; origin: string };

/** From the main thread. A refusal has no reason: that is in the main thread's log. */
export type ToWorker =
  | { kind: 'nudge' }
  | { kind: 'close'; withinMs: number }
  | { kind: 'answer'; id: number; value: unknown }
  | { kind: 'refusal'; id: number };

/** From the thread. */
export type FromWorker =
  | { kind: 'question'; id: number; question: Question }
  | { kind: 'report'; report: CycleReport }
  | { kind: 'failed'; error: ErrorFacts };
