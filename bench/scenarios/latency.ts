import { openSockets, type Sockets } from '../load/http-sockets.ts';
import { runPaced } from '../load/paced.ts';
import { roundOf } from '../measure/round.ts';
import { openRawDatabase } from './raw-postgres.ts';
import { type Case, type Context, interleave, type Scenario } from './scenario.ts';
import { withServers } from './servers.ts';
import { issueTokens, knownItems, loadCase, revealWork } from './work.ts';

const STORED = 10_000;
const CONNECTIONS = 64;
/** As many connections to Postgres as a service has for its requests. */
const RAW_CONNECTIONS = 12;

/**
 * Latency at half of the peak rate, in an open loop. The raw commits keep the same pace, but never more than
 * half of what they reach themselves: a rate that Postgres cannot keep up with would make any latency look good.
 */
export const latencyScenario: Scenario = {
  name: 'latency',
  title: 'Latency at half of the peak rate',
  run: (context) =>
    withServers(context.lab, async (servers) => {
      const server = await servers.instance();
      const tokens = await issueTokens(context, server, { items: knownItems('email', STORED) });
      const workload = revealWork(context, tokens);
      const raw = await openRawDatabase(context, RAW_CONNECTIONS);
      try {
        const closed = { name: 'peak', title: 'detokenize, as fast as it can', workload };
        const peak = loadCase(context, { ...closed, servers: [server], connections: CONNECTIONS });
        const half = (await peakOf(context, peak)) / 2;
        const rawHalf = (await rawPeak(context, raw.commitOne)) / 2;
        const paces = { detokenize: half, raw: Math.min(half, rawHalf) };
        const cases = [
          paced('detokenize', CONNECTIONS, paces.detokenize, () =>
            openSockets(server.http, workload, CONNECTIONS),
          ),
          paced('raw-commit', RAW_CONNECTIONS, paces.raw, () => ({
            send: raw.commitOne,
            close: () => {},
          })),
        ];
        const told = `Latency at half of the peak: detokenize at ${Math.round(paces.detokenize)} a second, raw single commits at ${Math.round(paces.raw)} a second.`;
        return { measurements: await interleave(context, 'latency', cases), notes: [told] };
      } finally {
        await raw.close();
      }
    }),
};

async function peakOf({ settings }: Context, { run }: Case): Promise<number> {
  await run(settings.warmUpSeconds);
  return (await run(settings.secondsPerRound)).perSecond;
}

/** What as many callers as there are connections reach. */
async function rawPeak({ settings }: Context, commitOne: () => Promise<void>): Promise<number> {
  const untilMs = performance.now() + settings.secondsPerRound * 1_000;
  let count = 0;
  const worker = async () => {
    while (performance.now() < untilMs) {
      await commitOne();
      count += 1;
    }
  };
  await Promise.all(Array.from({ length: RAW_CONNECTIONS }, worker));
  return count / settings.secondsPerRound;
}

/** Work at a pace, over connections of each round's own: a server closes those that nobody uses. */
function paced(
  name: string,
  connections: number,
  perSecond: number,
  open: () => Pick<Sockets, 'send' | 'close'>,
): Case {
  const title = `${name === 'detokenize' ? 'detokenize' : 'raw single commit'}, paced`;
  return {
    name,
    title,
    connections,
    itemsPerRequest: 1,
    run: async (seconds) => {
      const { send, close } = open();
      try {
        return roundOf([await runPaced({ perSecond, seconds, work: send })], 1);
      } finally {
        close();
      }
    },
  };
}
