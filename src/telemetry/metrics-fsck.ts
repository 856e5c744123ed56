import { Counter, Gauge, type Registry } from 'prom-client';

const PREFIX = 'counterfoil_audit_fsck_';
const SEVERITIES = ['failed', 'alarm', 'notice'] as const;

/** What the continuous re-check of the log found. */
export type FsckMetrics = {
  /** Entries that were re-checked. */
  entries: (count: number) => void;
  /** A whole pass is over: findings by severity. It was all right when none has failed. */
  passed: (pass: { failed: number; alarm: number; notice: number; atMs: number }) => void;
};

/** Makes the metrics of the re-check (PCI DSS 10.3.4: change detection on audit logs). */
export function makeFsckMetrics(registers: Registry[]): FsckMetrics {
  const lastOk = new Gauge({
    name: `${PREFIX}last_ok_timestamp_seconds`,
    help: 'When a whole pass over the log last ended without a failure, in seconds since the epoch.',
    registers,
  });
  const findings = new Gauge({
    name: `${PREFIX}findings`,
    help: 'Findings of the last whole pass: failed, alarm (the log itself says that events are missing), notice.',
    labelNames: ['severity'],
    registers,
  });
  const entries = new Counter({
    name: `${PREFIX}entries_total`,
    help: 'Entries of the log that were re-checked.',
    registers,
  });
  return {
    entries: (count) => entries.inc(count),
    passed: ({ atMs, ...counts }) => {
      for (const severity of SEVERITIES) {
        findings.set({ severity }, counts[severity]);
      }
      if (counts.failed === 0) {
        lastOk.set(atMs / 1_000);
      }
    },
  };
}
