// `npm run bench`: a first measurement of the running program, embedded Postgres with its default
// durability included: an empty route, tokenize and detokenize, in turns within one run, so that the
// ratios hold on any machine. Traffic goes to loopback only, bounded in time.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startDev } from '../test/helpers/dev-instance.ts';
import {
  CONNECTIONS,
  type Figures,
  issueTokens,
  measure,
  median,
  ROUNDS,
  SECONDS,
  type Target,
} from './measure.ts';

const KNOWN_TOKENS = 1_000;

async function startFloor(): Promise<{ url: string; stop: () => void }> {
  const child = fork(join(import.meta.dirname, 'floor.ts'), {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const [address] = await once(child, 'message');
  return { url: `${String(address)}/v1/vaults/demo/detokenize`, stop: () => child.kill('SIGTERM') };
}

const floor = await startFloor();
const dataDir = await mkdtemp(join(tmpdir(), 'counterfoil-bench-'));
const dev = await startDev({ dataDir, env: { COUNTERFOIL_LOG_LEVEL: 'info' } });
try {
  const { app = '', support = '' } = dev.tokens;
  const tokens = await issueTokens({ http: dev.http, token: app, count: KNOWN_TOKENS });
  const vault = `${dev.http}/v1/vaults/demo`;
  let drawn = 0;
  const next = () => {
    drawn += 1;
    return drawn;
  };
  const anyToken = () => tokens[next() % tokens.length];
  const reveal = () =>
    JSON.stringify({ token: anyToken(), view: 'masked', purpose: 'support-ticket' });
  const targets: Target[] = [
    { name: 'empty route', url: floor.url, token: support, body: reveal },
    {
      name: 'tokenize, new values',
      url: `${vault}/tokenize`,
      token: app,
      body: () =>
        JSON.stringify({ field: 'email', value: `new${next()}.${process.pid}@example.com` }),
    },
    {
      name: 'tokenize, known values',
      url: `${vault}/tokenize`,
      token: app,
      body: () =>
        JSON.stringify({ field: 'email', value: `known${next() % KNOWN_TOKENS}@example.com` }),
    },
    { name: 'detokenize', url: `${vault}/detokenize`, token: support, body: reveal },
  ];
  const rounds = new Map<string, Figures[]>(targets.map(({ name }) => [name, []]));
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const target of targets) rounds.get(target.name)?.push(await measure(target));
  }
  const table = [...rounds].map(([name, figures]) => ({ name, ...median(figures) }));
  const base = table[0]?.perSecond ?? Number.NaN;
  console.log(`${CONNECTIONS} connections, ${ROUNDS} rounds of ${SECONDS} s, medians`);
  console.table(
    table.map(({ name, perSecond, p50Ms, p99Ms, failed }) => ({
      work: name,
      'requests/s': Math.round(perSecond),
      'of floor': (perSecond / base).toFixed(3),
      'p50 ms': p50Ms,
      'p99 ms': p99Ms,
      failed,
    })),
  );
  if (table.some(({ failed }) => failed > 0)) process.exitCode = 1;
} finally {
  floor.stop();
  await dev.stop();
  await rm(dataDir, { recursive: true, force: true });
}
