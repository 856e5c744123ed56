import type { ErrorFacts } from '../../../../telemetry/describe-error.ts';
import type { SequencerAlarm, SequencerMetrics } from '../../../../telemetry/metrics-sequencer.ts';
import type { CycleReport } from './report.ts';

/** What the log line of an alarm says beside its name: names and numbers, nothing personal. */
export type AlarmFacts = { readonly [name: string]: string | number | ErrorFacts };

/** Whoever hears of trouble, and of its end. */
export type AlarmDeps = {
  watch: SequencerMetrics;
  alarm: (kind: SequencerAlarm, facts: AlarmFacts) => void;
  /** A condition that an alarm told of has ended. */
  recovered: (kind: SequencerAlarm) => void;
};

export type Alarms = {
  /** Counts a cycle, and tells what it found. */
  report(report: CycleReport): void;
  raise(kind: SequencerAlarm, facts: AlarmFacts): void;
  /** An alarm that lasts: told of when it begins, and when it ends. */
  condition(kind: SequencerAlarm, holds: boolean, facts: AlarmFacts): void;
};

/** From this age of a durable event on, the tree is late (AUDIT-LOG §4.4). */
const LATE_SECONDS = 5;

/** Else the head was not looked at. */
const LOOKED_AT_HEAD: ReadonlySet<CycleReport['outcome']> = new Set([
  'waiting',
  'integrated',
  'altered_head',
]);

/** Makes what turns reports of the thread into metrics and alarms: each alarm is in both. */
export function makeAlarms({ watch, alarm, recovered }: AlarmDeps): Alarms {
  const holding = new Set<SequencerAlarm>();

  const raise: Alarms['raise'] = (kind, facts) => {
    watch.alarm(kind);
    alarm(kind, facts);
  };

  const condition: Alarms['condition'] = (kind, holds, facts) => {
    watch.condition(kind, holds);
    if (holds && !holding.has(kind)) {
      holding.add(kind);
      raise(kind, facts);
    } else if (!holds && holding.delete(kind)) {
      recovered(kind);
    }
  };

  const tellFindings = (report: CycleReport): void => {
    for (const batch of report.altered) raise('altered_batch', batch);
    for (const writer of report.closed) raise('writer_closed', writer);
    for (const writer of report.clockBack) raise('clock_back', writer);
    for (const gap of report.gaps) {
      watch.gap({ why: gap.why, numbers: gap.to - gap.from + 1 });
      raise('gap', gap);
    }
  };

  return {
    raise,
    condition,
    report(report) {
      const { pending, outcome } = report;
      if (outcome === 'integrated') {
        watch.integrated(report);
      }
      watch.pending(pending);
      if (outcome !== 'failed') {
        condition('cycle_failed', false, {});
      }
      if (LOOKED_AT_HEAD.has(outcome)) {
        condition('altered_head', outcome === 'altered_head', {});
      }
      condition('pending_late', pending.seconds > LATE_SECONDS, pending);
      tellFindings(report);
    },
  };
}
