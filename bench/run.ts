// `npm run bench`: a first measurement of the running program, embedded Postgres with its default
// durability included: an empty route, tokenize and detokenize, in turns within one run, so that the
// ratios hold on any machine. Traffic goes to loopback only, bounded in time.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import autocannon from 'autocannon';
import { startDev } from '../test/helpers/dev-instance.ts';

const CONNECTIONS = 64;
const SECONDS = Number(process.env['BENCH_SECONDS'] ?? 8);
const ROUNDS = 3;
const KNOWN_TOKENS = 1_000;

type Target = { name: string; url: string; token: string; body: () => string };
type Figures = { perSecond: number; p50Ms: number; p99Ms: number; failed: number };

async function startFloor(): Promise<{ url: string; stop: () => void }> {
  const child = fork(join(import.meta.dirname, 'floor.ts'), {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const [address] = await once(child, 'message');
  return { url: `${String(address)}/v1/vaults/demo/detokenize`, stop: () => child.kill('SIGTERM') };
}

/** Puts known values in, to have tokens that detokenize can be asked for. */
async function issueTokens(http: string, token: string): Promise<string[]> {
  const items = Array.from({ length: KNOWN_TOKENS }, (_, n) => ({
    field: 'email',
    value: `known${n}@example.com`,
  }));
  const answer = await fetch(`${http}/v1/vaults/demo/tokenize/batch`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ items }),
  });
  const { items: issued } = (await answer.json()) as { items: { token: string }[] };
  return issued.map((item) => item.token);
}

async function measure({ url, token, body }: Target): Promise<Figures> {
  const result = await autocannon({
    url,
    connections: CONNECTIONS,
    duration: SECONDS,
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    requests: [{ setupRequest: (request) => ({ ...request, body: body() }) }],
  });
  return {
    perSecond: result.requests.average,
    p50Ms: result.latency.p50,
    p99Ms: result.latency.p99,
    failed: result.non2xx + result.errors + result.timeouts,
  };
}

function median(rounds: Figures[]): Figures {
  const sorted = [...rounds].sort((a, b) => a.perSecond - b.perSecond);
  const middle = sorted[Math.floor(sorted.length / 2)];
  if (middle === undefined) throw new Error('nothing was measured');
  return { ...middle, failed: rounds.reduce((sum, { failed }) => sum + failed, 0) };
}

const floor = await startFloor();
const dataDir = await mkdtemp(join(tmpdir(), 'counterfoil-bench-'));
const dev = await startDev({ dataDir, env: { COUNTERFOIL_LOG_LEVEL: 'info' } });
try {
  const { app = '', support = '' } = dev.tokens;
  const tokens = await issueTokens(dev.http, app);
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
