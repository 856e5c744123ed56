import type { Pool } from 'pg';
import {
  type SequencerDeps,
  startSequencer,
} from '../../src/adapters/postgres/audit/sequencer/sequencer.ts';
import type { Keysets } from '../../src/crypto/keysets.ts';
import { randomBytes } from '../../src/crypto/random.ts';
import type { SequencerAlarm } from '../../src/telemetry/metrics-sequencer.ts';
import { realClock } from './clock.ts';
import { BASE_ORIGIN } from './test-sequencer.ts';

/** A sequencer with its thread, and what it told. */
export type RunningSequencer = Awaited<ReturnType<typeof startSequencer>> & {
  integrated(): number;
  alarms: { kind: SequencerAlarm; facts: unknown }[];
  recovered: SequencerAlarm[];
};

/** Starts a sequencer as a service does. */
export async function runSequencer(
  options: { connectionString: string; pool: Pool; keysets: Keysets } & Partial<SequencerDeps>,
): Promise<RunningSequencer> {
  let integrated = 0;
  const alarms: RunningSequencer['alarms'] = [];
  const recovered: SequencerAlarm[] = [];
  const sequencer = await startSequencer({
    baseOrigin: BASE_ORIGIN,
    vkeysOf: async () => [],
    clock: realClock,
    random: randomBytes,
    watch: {
      integrated: ({ events }) => {
        integrated += events;
      },
      gap: () => {},
      alarm: () => {},
      condition: () => {},
      pending: () => {},
    },
    alarm: (kind, facts) => alarms.push({ kind, facts }),
    recovered: (kind) => recovered.push(kind),
    ...options,
  });
  return { ...sequencer, integrated: () => integrated, alarms, recovered };
}
