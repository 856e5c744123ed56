import { Counter, Histogram, type Registry } from 'prom-client';
import { publishReading } from './read-gauge.ts';

const PREFIX = 'counterfoil_audit_';
const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5];
const BATCHES = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512];
const FAILURES = ['commit', 'deadline', 'queue_full', 'backlog'] as const;
const GROUNDS = ['policy', 'token'] as const;
const FAULTS = ['restored', 'altered', 'lost'] as const;

/** What this instance's writer of the audit log does. */
export type AuditMetrics = {
  /** Events that wait for a commit, read when scraped. */
  watchQueue: (read: () => number) => void;
  /** Durable events that are not in the tree, and the age of the oldest, read when scraped. */
  watchUnintegrated: (read: () => { events: number; ageSeconds: number }) => void;
  /** One flush became durable. */
  committed: (batch: { events: number; seconds: number }) => void;
  /** One flush, or one event's deadline, failed, or an event was refused. */
  failed: (reason: (typeof FAILURES)[number]) => void;
  /** A durable batch was not found as it was written. */
  fault: (kind: (typeof FAULTS)[number]) => void;
  /** An answer was withheld, because of a policy or of tokens that are over. */
  withheld: (outdated: {
    over: { policies: readonly unknown[]; cached: readonly unknown[] };
  }) => void;
};

/** Makes the writer's numbers. */
export function makeAuditMetrics(registers: Registry[]): AuditMetrics {
  const events = new Histogram({
    name: `${PREFIX}batch_events`,
    help: 'Audit events made durable by one commit.',
    buckets: BATCHES,
    registers,
  });
  const seconds = new Histogram({
    name: `${PREFIX}commit_seconds`,
    help: 'Time of one audit commit.',
    buckets: SECONDS,
    registers,
  });
  const failures = new Counter({
    name: `${PREFIX}failures_total`,
    help: 'Audit flushes or events that were not known durable in time, or refused.',
    labelNames: ['reason'],
    registers,
  });
  const faults = new Counter({
    name: `${PREFIX}batch_faults_total`,
    help: 'Durable batches that vanished and were put back, were altered, or are lost to the tree.',
    labelNames: ['kind'],
    registers,
  });
  // A counter that is absent until its first failure cannot be alerted on: start it at zero.
  for (const reason of FAILURES) failures.inc({ reason }, 0);
  const withheld = new Counter({
    name: `${PREFIX}withheld_answers_total`,
    help: 'Answers that were withheld, because what they rest on was over when their event was stored.',
    labelNames: ['ground'],
    registers,
  });
  for (const ground of GROUNDS) withheld.inc({ ground }, 0);
  for (const kind of FAULTS) faults.inc({ kind }, 0);

  const gauge = (name: string, help: string, read: () => number) =>
    publishReading(registers, { name: `${PREFIX}${name}`, help, read });
  return {
    watchQueue: (read) => gauge('queue_events', 'Audit events waiting for a commit.', read),
    watchUnintegrated: (read) => {
      gauge(
        'unintegrated_events',
        'Durable audit events of this instance that are not in the tree.',
        () => read().events,
      );
      gauge(
        'unintegrated_age_seconds',
        'Age of the oldest durable audit event of this instance that is not in the tree.',
        () => read().ageSeconds,
      );
    },
    committed: (batch) => {
      events.observe(batch.events);
      seconds.observe(batch.seconds);
    },
    failed: (reason) => failures.inc({ reason }),
    fault: (kind) => faults.inc({ kind }),
    withheld: ({ over }) => {
      if (over.policies.length > 0) withheld.inc({ ground: 'policy' });
      if (over.cached.length > 0) withheld.inc({ ground: 'token' });
    },
  };
}
