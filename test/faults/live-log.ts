// Writers and sequencers of one log as instances of the service run them, in this process: their times can be
// shortened, and their alarms heard.
import { randomBytes } from 'node:crypto';
import { ensureShard } from '../../src/adapters/postgres/audit/sequencer/ensure-shard.ts';
import {
  type SequencerDeps,
  startSequencer,
} from '../../src/adapters/postgres/audit/sequencer/sequencer.ts';
import type { AuditAlarm } from '../../src/adapters/postgres/audit/writer/keeper.ts';
import {
  type AuditWriter,
  makeAuditWriter,
} from '../../src/adapters/postgres/audit/writer/writer.ts';
import { makePool } from '../../src/adapters/postgres/pool.ts';
import { makeLogSigner } from '../../src/crypto/log-signer.ts';
import { makeSequencerMetrics } from '../../src/telemetry/metrics-sequencer.ts';
import { realClock as clock } from '../helpers/clock.ts';
import { withClient } from '../helpers/database.ts';
import { openKeysets } from '../helpers/keysets.ts';

const BASE_ORIGIN = 'log.test/audit';

type Times = {
  limits?: Parameters<typeof makeAuditWriter>[0]['limits'];
  timing?: SequencerDeps['timing'];
};

export type LiveLog = {
  writer: AuditWriter;
  /** Kinds of the alarms so far, and `over <kind>` when one has ended. */
  heard: string[];
  /** The writer is no more, and has not said so. */
  die(): Promise<void>;
  /** Ends writer, if it lives, and sequencer. */
  close(): Promise<void>;
};

/** Starts one instance's part of the log. */
export async function startLiveLog(databaseUrl: string, times: Times = {}): Promise<LiveLog> {
  const open = (max: number) => makePool({ connectionString: databaseUrl, max, name: 'test-live' });
  const [pool, audit] = [open(2), open(3)];
  const keysets = await openKeysets(pool);
  const { vkeysOf } = makeLogSigner({ keysets, sources: ['keyring'] });
  const common = { pool, clock, random: randomBytes, baseOrigin: BASE_ORIGIN, vkeysOf, keysets };
  await ensureShard(common);
  const heard: string[] = [];
  const sequencer = await startSequencer({
    ...common,
    connectionString: databaseUrl,
    ...(times.timing !== undefined && { timing: times.timing }),
    watch: makeSequencerMetrics([]),
    alarm: (kind) => heard.push(kind),
    recovered: (kind) => heard.push(`over ${kind}`),
  });
  const writer = makeAuditWriter({
    pool: audit,
    clock,
    keysets,
    random: randomBytes,
    vaultIdOf: () => undefined,
    logId: 1,
    nudge: sequencer.nudge,
    alarm: ({ kind }: AuditAlarm) => heard.push(kind),
    ...(times.limits !== undefined && { limits: times.limits }),
  });
  let isDead = false;
  const die = async () => {
    isDead = true;
    await audit.end();
    await writer.close(0).catch(() => {});
  };
  return {
    writer,
    heard,
    die,
    close: async () => {
      if (!isDead) {
        await writer.close(5_000);
        await audit.end();
      }
      await sequencer.close(1_000);
      await pool.end();
    },
  };
}

/** Runs `work` while no sequencer can append: the database's owner has the lock that it takes. */
export function whileNothingIsIntegrated<T>(ownerUrl: string, work: () => Promise<T>): Promise<T> {
  return withClient(ownerUrl, async (owner) => {
    await owner.query('begin');
    await owner.query(`select from audit_log where state = 'active' for update`);
    // The lock goes with the connection.
    return await work();
  });
}
