// `node bench/sequencer-cost.ts`: what the sequencer costs the requests beside it. Detokenize under load, in
// turns with the sequencer at work and with the log locked, so that events stay pending; what piled up is
// integrated between the rounds. Ratios within one run.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { findDatabase } from '../src/adapters/embedded/postgres.ts';
import { startDev } from '../test/helpers/dev-instance.ts';
import { type Figures, issueTokens, measure, median, type Target } from './measure.ts';

/** Pairs of rounds: the middle of their ratios is what other work on the machine disturbs least. */
const PAIRS = 9;

const dataDir = await mkdtemp(join(tmpdir(), 'counterfoil-bench-'));
const dev = await startDev({ dataDir });
const client = new Client({ connectionString: await findDatabase(dataDir) });
await client.connect();
try {
  const { app = '', support = '' } = dev.tokens;
  const tokens = await issueTokens({ http: dev.http, token: app, count: 1_000 });
  let drawn = 0;
  const target: Target = {
    name: 'detokenize',
    url: `${dev.http}/v1/vaults/demo/detokenize`,
    token: support,
    body: () => {
      drawn += 1;
      const token = tokens[drawn % tokens.length];
      return JSON.stringify({ token, view: 'masked', purpose: 'support-ticket' });
    },
  };
  const running: Figures[] = [];
  const locked: Figures[] = [];
  await measure(target); // warm
  for (let round = 0; round < PAIRS; round += 1) {
    running.push(await measure(target));
    await settle();
    await client.query('begin');
    await client.query('select audit_lock()');
    locked.push(await measure(target));
    await client.query('commit');
    await settle();
  }
  const [on, off] = [median(running), median(locked)];
  console.table([
    { sequencer: 'at work', ...on },
    { sequencer: 'locked out', ...off },
  ]);
  const ratios = running
    .map(({ perSecond }, pair) => perSecond / (locked[pair]?.perSecond ?? Number.NaN))
    .sort((a, b) => a - b);
  const percent = ratios.map((ratio) => (100 * ratio).toFixed(0));
  console.log(`of the speed without: ${percent[(PAIRS - 1) / 2]} % (pairs: ${percent.join(' ')})`);
} finally {
  await client.end();
  await dev.stop();
  await rm(dataDir, { recursive: true, force: true });
}

/** Waits until nothing is pending. */
async function settle(): Promise<void> {
  for (;;) {
    const { rows } = await client.query<{ n: number }>(
      `select count(*)::int as n from audit_pending p left join audit_writer w using (boot_id)
       where p.first_seq >= coalesce(w.next_seq, 0)`,
    );
    if (rows[0]?.n === 0) return;
    await sleep(200);
  }
}
