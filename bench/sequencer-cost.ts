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
import { chooseGenerator } from './load/choose.ts';
import { single, type Workload } from './load/workload.ts';
import { median } from './measure/stats.ts';

const CONNECTIONS = 64;
/** What stays pending meanwhile must stay below 100,000 events: then the service would refuse. */
const SECONDS = Number(process.env['BENCH_SECONDS'] ?? 5);
const TOKENS = 1_000;
/** Pairs of rounds: the middle of their ratios is what other work on the machine disturbs least. */
const PAIRS = 9;

const dataDir = await mkdtemp(join(tmpdir(), 'counterfoil-bench-'));
const dev = await startDev({ dataDir });
const client = new Client({ connectionString: await findDatabase(dataDir) });
await client.connect();
try {
  const generator = await chooseGenerator();
  const workload = await prepare(dev);
  const running: number[] = [];
  const locked: number[] = [];
  const load = async () => {
    const order = { url: dev.http, connections: CONNECTIONS, seconds: SECONDS, workload };
    const { requests, seconds, failed } = await generator.load(order);
    if (failed > 0) console.error(`${failed} requests failed: this round is of no use`);
    return requests / seconds;
  };
  await load(); // warm
  for (let round = 0; round < PAIRS; round += 1) {
    running.push(await load());
    await settle();
    await client.query('begin');
    await client.query('select audit_lock()');
    locked.push(await load());
    await client.query('commit');
    await settle();
  }
  console.table([
    { sequencer: 'at work', 'per second': Math.round(median(running) ?? 0) },
    { sequencer: 'locked out', 'per second': Math.round(median(locked) ?? 0) },
  ]);
  const percent = running.map((speed, pair) => (100 * speed) / (locked[pair] ?? Number.NaN));
  const pairs = percent.map((share) => share.toFixed(0)).join(' ');
  console.log(`of the speed without: ${median(percent)?.toFixed(0)} % (pairs: ${pairs})`);
} finally {
  await client.end();
  await dev.stop();
  await rm(dataDir, { recursive: true, force: true });
}

/** Puts known values in; the load asks for them in turn. */
async function prepare({ http, tokens }: typeof dev): Promise<Workload> {
  const { app = '', support = '' } = tokens;
  const items = Array.from({ length: TOKENS }, (_, n) => ({
    field: 'email',
    value: `known${n}@example.com`,
  }));
  const answer = await fetch(`${http}/v1/vaults/demo/tokenize/batch`, {
    method: 'POST',
    headers: { authorization: `Bearer ${app}`, 'content-type': 'application/json' },
    body: JSON.stringify({ items }),
  });
  const issued = (await answer.json()) as { items: { token: string }[] };
  const texts = issued.items.map(({ token }) =>
    JSON.stringify({ token, view: 'masked', purpose: 'support-ticket' }),
  );
  return {
    token: support,
    mediaType: 'application/json',
    requests: [{ path: '/v1/vaults/demo/detokenize', body: single({ kind: 'list', texts }) }],
  };
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
