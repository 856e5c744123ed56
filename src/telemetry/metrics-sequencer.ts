import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

const PREFIX = 'counterfoil_audit_';
const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5];
const EVENTS = [1, 4, 16, 64, 256, 1_024, 4_096];

/**
 * What the sequencer calls for an operator about: a batch that is not as it was written; events that are
 * lost; a writer that ended without a word; a tree that is not what its root says; a writer's clock that
 * went back; events that wait too long; turns that fail; a thread that died or does not answer.
 */
export const SEQUENCER_ALARMS = [
  'altered_batch',
  'gap',
  'writer_closed',
  'altered_head',
  'clock_back',
  'pending_late',
  'cycle_failed',
  'worker_died',
  'worker_silent',
] as const;

export type SequencerAlarm = (typeof SEQUENCER_ALARMS)[number];

/** The numbers of the sequencer in this process. What other instances integrate, they count. */
export type SequencerMetrics = {
  /** One segment was committed. */
  integrated: (cycle: { events: number; bytes: number; seconds: number }) => void;
  /** Numbers of a writer that are not in the log, and never will be. */
  gap: (gap: { why: 'missing' | 'altered'; numbers: number }) => void;
  alarm: (kind: SequencerAlarm) => void;
  /** Whether the condition of an alarm that can end holds now. */
  condition: (kind: SequencerAlarm, holds: boolean) => void;
  /** What is durable and not in the tree, when it was last looked at. */
  pending: (waiting: { events: number; seconds: number }) => void;
};

/** Makes the sequencer's metrics. Every alarm is there from the start, at zero. */
export function makeSequencerMetrics(registers: Registry[]): SequencerMetrics {
  const count = (name: string, help: string, labelNames: string[] = []) =>
    new Counter({ name: `${PREFIX}${name}`, help, labelNames, registers });
  const gauge = (name: string, help: string, labelNames: string[] = []) =>
    new Gauge({ name: `${PREFIX}${name}`, help, labelNames, registers });
  const histogram = (name: string, help: string, buckets: number[]) =>
    new Histogram({ name: `${PREFIX}${name}`, help, buckets, registers });

  const events = count('integrated_events_total', 'Leaves that this process put into the tree.');
  const bytes = count('integrated_bytes_total', 'Bytes of the batches that they came from.');
  const seconds = histogram('integrate_seconds', 'Time of one cycle that integrated.', SECONDS);
  const size = histogram('integrate_events', 'Leaves of one cycle that integrated.', EVENTS);
  const gaps = count('gaps_total', 'Gaps that the log tells of.', ['why']);
  const lost = count('gap_numbers_total', 'Numbers of writers in these gaps.', ['why']);
  const alarms = count('alarms_total', 'Calls for an operator by the sequencer.', ['kind']);
  const conditions = gauge('alarm_active', '1 while the condition of an alarm holds.', ['kind']);
  const age = gauge('pending_age_seconds', 'How long the oldest event waits for the tree.');
  const waiting = gauge('pending_events', 'Events that wait for the tree; at least so many.');
  // A counter that is absent until it counts cannot be alerted on.
  for (const kind of SEQUENCER_ALARMS) {
    alarms.inc({ kind }, 0);
  }
  for (const why of ['missing', 'altered']) {
    gaps.inc({ why }, 0);
    lost.inc({ why }, 0);
  }
  return {
    integrated: (cycle) => {
      events.inc(cycle.events);
      bytes.inc(cycle.bytes);
      seconds.observe(cycle.seconds);
      size.observe(cycle.events);
    },
    gap: ({ why, numbers }) => {
      gaps.inc({ why });
      lost.inc({ why }, numbers);
    },
    alarm: (kind) => alarms.inc({ kind }),
    condition: (kind, holds) => conditions.set({ kind }, holds ? 1 : 0),
    pending: (now) => {
      age.set(now.seconds);
      waiting.set(now.events);
    },
  };
}
