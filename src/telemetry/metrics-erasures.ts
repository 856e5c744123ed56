import { Counter, Gauge, type Registry } from 'prom-client';

const PREFIX = 'counterfoil_erasure_';

/** What this process did to keep erased people erased. */
export type ErasureMetrics = {
  /** An erasure that the database did not know of was made again. */
  replayed: () => void;
  /** Entries of the journal that this service did not write as they are, now. */
  altered: (entries: number) => void;
  /** A comparison of journal and database could not be ended. */
  failed: () => void;
};

/** Makes the metrics of erasures. All are there from the start, at zero. */
export function makeErasureMetrics(registers: Registry[]): ErasureMetrics {
  const replayed = new Counter({
    name: `${PREFIX}replayed_total`,
    help: 'Erasures that were made again because the database did not know of them.',
    registers,
  });
  const failures = new Counter({
    name: `${PREFIX}replay_failures_total`,
    help: 'Comparisons of the journal of erasures with the database that could not be ended.',
    registers,
  });
  const altered = new Gauge({
    name: `${PREFIX}journal_altered_entries`,
    help: 'Entries of the journal of erasures that the service did not write as they are.',
    registers,
  });
  return {
    replayed: () => replayed.inc(),
    altered: (entries) => altered.set(entries),
    failed: () => failures.inc(),
  };
}
