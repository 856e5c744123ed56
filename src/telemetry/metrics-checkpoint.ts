import { Gauge, type Registry } from 'prom-client';

const PREFIX = 'counterfoil_audit_';

/** What the log has published, and whether anybody outside follows. */
export type CheckpointMetrics = {
  /** The newest published checkpoint of the active shard. */
  published: (checkpoint: { size: number; atMs: number }) => void;
  /** How many shards are frozen, or about to be, because they contradict what was signed. */
  frozen: (shards: number) => void;
  /** Publishes how long a witness has not cosigned what was published, read when scraped. */
  watchWitness: (witness: string, readLagSeconds: () => number) => void;
};

/** Makes the gauges of checkpoints and witnesses. `witness` is a name of the policy file. */
export function makeCheckpointMetrics(registers: Registry[]): CheckpointMetrics {
  const size = new Gauge({
    name: `${PREFIX}checkpoint_size`,
    help: 'Leaves under the newest published checkpoint of the active shard.',
    registers,
  });
  const timestamp = new Gauge({
    name: `${PREFIX}checkpoint_timestamp_seconds`,
    help: 'When that checkpoint was published, in seconds since the epoch.',
    registers,
  });
  const frozen = new Gauge({
    name: `${PREFIX}frozen`,
    help: 'Shards that contradict what was signed: the database went backwards, or was changed.',
    registers,
  });
  const lags = new Map<string, () => number>();
  new Gauge({
    name: `${PREFIX}witness_lag_seconds`,
    help: 'For how long published checkpoints have lacked the cosignature of a witness; 0 while it follows.',
    labelNames: ['witness'],
    registers,
    collect() {
      for (const [witness, read] of lags) {
        this.set({ witness }, read());
      }
    },
  });
  return {
    published: ({ size: leaves, atMs }) => {
      size.set(leaves);
      timestamp.set(atMs / 1_000);
    },
    frozen: (shards) => frozen.set(shards),
    watchWitness: (witness, readLagSeconds) => {
      lags.set(witness, readLagSeconds);
    },
  };
}
