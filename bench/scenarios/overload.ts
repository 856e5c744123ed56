// What an instance does with more than it can answer: its peak in a closed loop, then three times that at a fixed
// rate whatever the answers; and how soon all is well after ten times the peak, on the same connections.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Server } from '../lab/processes.ts';
import { type LoadOrder, type LoadSlice, SLICE_MS } from '../load/open-loop.ts';
import { settle } from '../measure/round.ts';
import { median, percentile } from '../measure/stats.ts';
import type { Measurement, Round } from '../report/result.ts';
import type { Context, Scenario } from './scenario.ts';
import { withServers } from './servers.ts';
import { issueTokens, knownItems, revealItems } from './work.ts';

const GENERATOR = join(import.meta.dirname, '../load/open-loop.ts');
const TOKENS = 1_000;
const CALM_SECONDS = 6;
const SPIKE_SECONDS = 5;
const RECOVERY_SECONDS = 12;
/** Of the peak: a loop that is closed, and busy. */
const PEAK_CONNECTIONS = 256;
/** Of the overload. A refusal is held for a quarter of a second at least: on fewer, what is offered could not be sent. */
const CONNECTIONS = 4_096;
/** Answers this quick are as quick as before, however quick those were. */
const CALM_MS = 50;
const CALM_SLICES = 2_000 / SLICE_MS;
/** What the first slices of a load tell is how it begins. */
const BEGINNING = 4;

type Load = (order: Pick<LoadOrder, 'connections' | 'phases'>) => Promise<LoadSlice[]>;

export const overloadScenario: Scenario = {
  name: 'overload',
  title: 'More than the service can answer',
  run: (context) =>
    withServers(context.lab, async (servers) => {
      const server = await servers.instance();
      const tokens = await issueTokens(context, server, { items: knownItems('email', TOKENS) });
      const items = revealItems(tokens);
      const generator = fork(GENERATOR);
      try {
        const load = loader(context, generator, {
          server,
          base: {
            port: Number(new URL(server.http).port),
            path: '/v1/vaults/one/detokenize',
            bearer: context.lab.tokenFor('support'),
            bodies: items.kind === 'list' ? items.texts : [],
          },
        });
        await load({ connections: 64, phases: [{ seconds: context.settings.warmUpSeconds }] });
        const { peaks, tripled } = await compareWithPeak(context, load);
        const peak = median(peaks.map(({ perSecond }) => perSecond)) ?? 0;
        const spike = await recover(load, peak);
        return {
          measurements: [
            about('peak', 'detokenize, closed loop', PEAK_CONNECTIONS, peaks),
            about('tripled', 'detokenize, 3 × peak offered', CONNECTIONS, tripled),
            about('calm', 'detokenize, half of the peak', CONNECTIONS, [spike.before]),
            about('spike', 'detokenize, 10 × peak offered', CONNECTIONS, [spike.during]),
            about('after', 'detokenize, half of the peak, after that', CONNECTIONS, [spike.after]),
          ],
          recoverySeconds: spike.recoverySeconds,
        };
      } finally {
        if (generator.connected) generator.disconnect();
      }
    }),
};

function loader(
  { stop }: Pick<Context, 'stop'>,
  generator: ChildProcess,
  { server, base }: { server: Server; base: Omit<LoadOrder, 'connections' | 'phases'> },
): Load {
  const died = once(generator, 'exit').then(() => {
    throw new Error('the load generator ended');
  });
  died.catch(() => {});
  return async (order) => {
    // What an earlier load owes the tree is not this one's to pay.
    await settle([server]);
    const answer = once(generator, 'message', { signal: stop });
    generator.send({ ...base, ...order });
    const [slices] = await Promise.race([answer, died]);
    return slices as LoadSlice[];
  };
}

/** In turns, so that each overload stands between two peaks of the same minute. */
async function compareWithPeak({ settings, report, stop }: Context, load: Load) {
  const { rounds, secondsPerRound: seconds } = settings;
  const peakOf = async () =>
    sumUp(await load({ connections: PEAK_CONNECTIONS, phases: [{ seconds }] }));
  let peak = await peakOf();
  const peaks = [peak];
  const tripled: Round[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    stop.throwIfAborted();
    const rate = 3 * peak.perSecond;
    const over = sumUp(await load({ connections: CONNECTIONS, phases: [{ seconds, rate }] }));
    tripled.push(over);
    peak = await peakOf();
    peaks.push(peak);
    const [answered, sent, offered] = [over.perSecond, over.sentPerSecond ?? 0, rate].map(
      Math.round,
    );
    report(`overload ${round}/${rounds}: ${answered}/s of ${sent}/s sent, ${offered}/s offered`);
  }
  return { peaks, tripled };
}

/** Half of the peak, then ten times the peak, then half of it again, all on the same connections. */
async function recover(load: Load, peak: number) {
  const phases = [
    { seconds: CALM_SECONDS, rate: peak / 2 },
    { seconds: SPIKE_SECONDS, rate: 10 * peak },
    { seconds: RECOVERY_SECONDS, rate: peak / 2 },
  ];
  const slices = await load({ connections: CONNECTIONS, phases });
  const spikeAt = (CALM_SECONDS * 1_000) / SLICE_MS;
  const endAt = spikeAt + (SPIKE_SECONDS * 1_000) / SLICE_MS;
  const before = sumUp(slices.slice(BEGINNING, spikeAt));
  const after = slices.slice(endAt);
  return {
    before,
    during: sumUp(slices.slice(spikeAt, endAt)),
    after: sumUp(after),
    recoverySeconds: recoveryOf(after, before.latencyMs.p99),
  };
}

/**
 * Seconds until the last refusal, and until answers are for two seconds as quick as before, whichever is later; all of
 * the time that was looked at when that did not come. Quick not for good: that the disk stands still for a tenth of a
 * second later on is no part of the spike.
 */
export function recoveryOf(slices: readonly LoadSlice[], calmP99Ms: number): number {
  const wasRefused = ({ refused, failed, unsent }: LoadSlice) => refused + failed + unsent > 0;
  const isQuick = ({ ms }: LoadSlice) =>
    (percentile(ms, 0.99) ?? Number.POSITIVE_INFINITY) <= Math.max(2 * calmP99Ms, CALM_MS);
  const quickFrom = slices.findIndex(
    (_, at) =>
      at + CALM_SLICES <= slices.length && slices.slice(at, at + CALM_SLICES).every(isQuick),
  );
  const at = Math.max(
    slices.findLastIndex(wasRefused) + 1,
    quickFrom === -1 ? slices.length : quickFrom,
  );
  return (at * SLICE_MS) / 1_000;
}

/** What was answered with success; refusals are what an overload is there to provoke, and no failures. */
function sumUp(slices: readonly LoadSlice[]): Round {
  const ms = slices.flatMap((slice) => slice.ms);
  const sum = (name: 'ok' | 'failed' | 'offered' | 'unsent') =>
    slices.reduce((total, slice) => total + slice[name], 0);
  const seconds = (slices.length * SLICE_MS) / 1_000;
  const at = (share: number) => percentile(ms, share) ?? 0;
  return {
    perSecond: sum('ok') / seconds,
    sentPerSecond: (sum('offered') - sum('unsent')) / seconds,
    latencyMs: { p50: at(0.5), p99: at(0.99), p999: at(0.999) },
    failed: sum('failed'),
  };
}

function about(
  name: string,
  title: string,
  connections: number,
  rounds: readonly Round[],
): Measurement {
  return {
    ...{ scenario: 'overload', name, title, connections, itemsPerRequest: 1 },
    rounds: [...rounds],
  };
}
