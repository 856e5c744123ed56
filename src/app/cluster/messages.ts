import type { Readiness } from '../../api/http/admin.ts';
import type { Snapshot } from '../../telemetry/metrics-workers.ts';

/** What a primary may ask a worker, and what it hears. `alive`: that the worker's event loop turns. */
export type Answers = { alive: true; readiness: Readiness; metrics: Snapshot };

export type Question = keyof Answers;

/** From the primary to a worker. Nothing secret goes either way: a worker reads its keys from where they lie. */
export type ToWorker =
  /** Which of the workers it is; 1 is the first. */
  | { kind: 'start'; place: number }
  | { kind: 'question'; id: number; what: Question }
  /** Finish what is under way, and end. */
  | { kind: 'stop' };

/** From a worker to the primary. */
export type FromWorker =
  /** It can hear. Before that a message would be lost. */
  | { kind: 'here' }
  /** It listens; its base URL. */
  | { kind: 'listening'; http: string }
  /** It cannot start; what the operator shall read. */
  | { kind: 'failed'; problem: string }
  | { kind: 'answer'; id: number; value: Answers[Question] };
