// `node bench/overload.ts`: what a running instance does with more than it can answer. Its peak is measured with
// a closed loop; then three times the peak is offered, then ten times for some seconds, at a fixed rate whatever
// the answers. Traffic goes to loopback only, bounded in connections and time.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { startDev } from '../test/helpers/dev-instance.ts';
import { median, percentile } from './measure/stats.ts';
import { type LoadOrder, type LoadSlice, SLICE_MS } from './open-loop.ts';

const SECONDS = Number(process.env['BENCH_SECONDS'] ?? 6);
const ROUNDS = 3;
const SPIKE_SECONDS = 5;
const RECOVERY_SECONDS = 12;
/** Of the peak: a loop that is closed, and busy. */
const PEAK_CONNECTIONS = 256;
/** Of the overload: what the pools of a few dozen callers hold. */
const CONNECTIONS = Number(process.env['BENCH_CONNECTIONS'] ?? 1024);
const TOKENS = 1_000;

const TARGETS = { goodput: 0.8, p99: 2, recoverySeconds: 10 };

type Figures = Omit<LoadSlice, 'ms'> & { seconds: number; p50Ms: number; p99Ms: number };

function sumUp(slices: readonly LoadSlice[]): Figures {
  const ms = slices.flatMap((slice) => slice.ms);
  const sum = (name: 'offered' | 'unsent' | 'ok' | 'refused' | 'failed') =>
    slices.reduce((total, slice) => total + slice[name], 0);
  return {
    seconds: (slices.length * SLICE_MS) / 1000,
    offered: sum('offered'),
    unsent: sum('unsent'),
    ok: sum('ok'),
    refused: sum('refused'),
    failed: sum('failed'),
    p50Ms: percentile(ms, 0.5) ?? Number.NaN,
    p99Ms: percentile(ms, 0.99) ?? Number.NaN,
  };
}

const rateOf = (figures?: Figures) => (figures === undefined ? 0 : figures.ok / figures.seconds);

const middle = (values: readonly number[]) => median(values) ?? Number.NaN;

/** Seconds until, from some slice on, nobody is refused and answers are as quick as before the spike. */
function recoveryOf(slices: readonly LoadSlice[], calmP99Ms: number): number {
  const isCalm = (slice: LoadSlice) =>
    slice.refused + slice.failed + slice.unsent === 0 &&
    sumUp([slice]).p99Ms <= Math.max(2 * calmP99Ms, 50);
  const lastBad = slices.findLastIndex((slice) => !isCalm(slice));
  return lastBad === slices.length - 1 ? Number.NaN : ((lastBad + 1) * SLICE_MS) / 1000;
}

const dev = await startDev({ env: { COUNTERFOIL_LOG_LEVEL: 'info' } });
const generator = fork(join(import.meta.dirname, 'open-loop.ts'));
try {
  const { app = '', support = '' } = dev.tokens;
  const issued = await fetch(`${dev.http}/v1/vaults/demo/tokenize/batch`, {
    method: 'POST',
    headers: { authorization: `Bearer ${app}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      items: Array.from({ length: TOKENS }, (_, n) => ({
        field: 'email',
        value: `known${n}@example.com`,
      })),
    }),
  });
  const { items } = (await issued.json()) as { items: { token: string }[] };
  const base = {
    port: Number(new URL(dev.http).port),
    path: '/v1/vaults/demo/detokenize',
    bearer: support,
    bodies: items.map(({ token }) =>
      JSON.stringify({ token, view: 'masked', purpose: 'support-ticket' }),
    ),
  };
  const load = async (order: Omit<LoadOrder, keyof typeof base>): Promise<LoadSlice[]> => {
    generator.send({ ...base, ...order });
    const [slices] = await once(generator, 'message');
    return slices as LoadSlice[];
  };

  await load({ connections: 64, seconds: 6 });
  const peakOf = async () => sumUp(await load({ connections: PEAK_CONNECTIONS, seconds: SECONDS }));
  const peaks = [await peakOf()];
  const tripled: Figures[] = [];
  // In turns, so that each overload stands between two peaks of the same minute.
  for (let round = 0; round < ROUNDS; round += 1) {
    const rate = 3 * rateOf(peaks.at(-1));
    tripled.push(sumUp(await load({ connections: CONNECTIONS, seconds: SECONDS, rate })));
    peaks.push(await peakOf());
  }
  const peakRate = middle(peaks.map(rateOf));
  const half = { connections: CONNECTIONS, rate: peakRate / 2 };
  const calm = sumUp(await load({ ...half, seconds: SPIKE_SECONDS }));
  const spike = sumUp(
    await load({ connections: CONNECTIONS, seconds: SPIKE_SECONDS, rate: 10 * peakRate }),
  );
  const after = await load({ ...half, seconds: RECOVERY_SECONDS });

  const row = (name: string, { seconds, ...figures }: Figures) => ({
    load: name,
    'offered/s': Math.round(figures.offered / seconds),
    'unsent/s': Math.round(figures.unsent / seconds),
    'ok/s': Math.round(figures.ok / seconds),
    'refused/s': Math.round(figures.refused / seconds),
    failed: figures.failed,
    'p50 ms': figures.p50Ms.toFixed(1),
    'p99 ms': figures.p99Ms.toFixed(1),
  });
  console.table([
    ...peaks.map((figures) => row(`closed, ${PEAK_CONNECTIONS} connections`, figures)),
    ...tripled.map((figures) => row('3 x peak', figures)),
    row('half of the peak', calm),
    row('10 x peak', spike),
    row('half of the peak, after it', sumUp(after)),
  ]);
  const goodput = middle(tripled.map(rateOf)) / peakRate;
  const p99 = middle(tripled.map(({ p99Ms }) => p99Ms)) / middle(peaks.map(({ p99Ms }) => p99Ms));
  const recoverySeconds = recoveryOf(after, calm.p99Ms);
  console.table([
    {
      measure: 'goodput at 3 x peak, of peak',
      is: goodput.toFixed(2),
      target: `>= ${TARGETS.goodput}`,
    },
    {
      measure: 'p99 of answers at 3 x peak, of that at peak',
      is: p99.toFixed(2),
      target: `<= ${TARGETS.p99}`,
    },
    {
      measure: 'seconds from the end of a 10 x spike to calm',
      is: recoverySeconds,
      target: `<= ${TARGETS.recoverySeconds}`,
    },
  ]);
  const isMet =
    goodput >= TARGETS.goodput && p99 <= TARGETS.p99 && recoverySeconds <= TARGETS.recoverySeconds;
  if (!isMet) process.exitCode = 1;
} finally {
  generator.disconnect();
  await dev.stop();
}
