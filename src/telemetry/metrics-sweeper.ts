import { Counter, Gauge, type Registry } from 'prom-client';

const PREFIX = 'counterfoil_sweeper_';

/** What the deletion of dead rows did in this process. What other instances delete, they count. */
export type SweeperMetrics = {
  /** Rows of tokens that had expired or were used up. */
  buried: (rows: number) => void;
  /** Stored answers and revocations that nobody needs any more. */
  forgotten: (rows: number) => void;
  /** A vault whose keys could not be had: its dead rows of small formats wait. */
  keyless: () => void;
  /** A whole pass is over. */
  passed: (atMs: number) => void;
  /** A pass could not be ended. */
  failed: () => void;
};

/** Makes the metrics of the sweeper. All counters are there from the start, at zero. */
export function makeSweeperMetrics(registers: Registry[]): SweeperMetrics {
  const count = (name: string, help: string) =>
    new Counter({ name: `${PREFIX}${name}`, help, registers });
  const buried = count('buried_total', 'Dead tokens that this process deleted.');
  const forgotten = count(
    'forgotten_total',
    'Stored answers and revocations past their time that this process deleted.',
  );
  const keyless = count('keyless_vaults_total', 'Passes that left out a vault without its keys.');
  const failures = count('failures_total', 'Passes that could not be ended.');
  const lastOk = new Gauge({
    name: `${PREFIX}last_ok_timestamp_seconds`,
    help: 'When a whole pass last ended, in seconds since the epoch.',
    registers,
  });
  return {
    buried: (rows) => buried.inc(rows),
    forgotten: (rows) => forgotten.inc(rows),
    keyless: () => keyless.inc(),
    passed: (atMs) => lastOk.set(atMs / 1_000),
    failed: () => failures.inc(),
  };
}
