import { setTimeout as sleep } from 'node:timers/promises';
import type { Server } from '../lab/processes.ts';
import { readRssMib } from '../measure/cpu.ts';
import { scrape } from '../measure/round.ts';
import { median } from '../measure/stats.ts';
import type { Sustained } from '../report/result.ts';
import type { Scenario } from './scenario.ts';
import { withServers } from './servers.ts';
import { issueTokens, knownItems, loadCase, revealWork } from './work.ts';

const STORED = 10_000;
const CONNECTIONS = 64;
const BACKLOG = 'counterfoil_audit_unintegrated_age_seconds';

/** Minutes of load without a pause, the floor before and after it. */
export const sustainedScenario: Scenario = {
  name: 'sustained',
  title: 'Detokenize for minutes, 64 connections',
  run: (context) =>
    withServers(context.lab, async (servers) => {
      const { settings, report } = context;
      const server = await servers.instance();
      const floor = await servers.floor();
      const tokens = await issueTokens(context, server, { items: knownItems('email', STORED) });
      const workload = revealWork(context, tokens);
      const common = { connections: CONNECTIONS, workload, name: '', title: '' };
      const floorCase = loadCase(context, { ...common, servers: [floor] });
      const work = loadCase(context, { ...common, servers: [server] });
      const measureFloor = async () => (await floorCase.run(settings.secondsPerRound)).perSecond;
      const floors = async () => [await measureFloor(), await measureFloor(), await measureFloor()];

      await work.run(settings.warmUpSeconds);
      await floorCase.run(settings.warmUpSeconds);
      const before = await floors();
      report(`sustained: ${settings.sustainedMinutes} minutes without a pause`);
      const sampling = watch(server);
      const round = await work.run(settings.sustainedMinutes * 60);
      const samples = await sampling.stop();
      const floorPerSecond = median([...before, ...(await floors())]) ?? 0;
      const { perSecond, latencyMs, failed } = round;
      const minutes = settings.sustainedMinutes;
      const sustained = { minutes, perSecond, floorPerSecond, latencyMs, failed, samples };
      return { measurements: [], sustained };
    }),
};

/** Looks at memory and backlog each second. */
function watch(server: Server) {
  const stopped = new AbortController();
  const samples: Sustained['samples'] = [];
  const startedMs = performance.now();
  const watching = (async () => {
    while (!stopped.signal.aborted) {
      samples.push(await sample(server, (performance.now() - startedMs) / 1_000));
      await sleep(1_000, undefined, { signal: stopped.signal }).catch(() => {});
    }
  })();
  return {
    stop: async () => {
      stopped.abort();
      await watching;
      return samples;
    },
  };
}

async function sample(server: Server, second: number): Promise<Sustained['samples'][number]> {
  const [rssMib, metrics] = await Promise.all([readRssMib(server.pid), scrape(server)]);
  const backlogSeconds = metrics.get(BACKLOG);
  return {
    second: Math.round(second),
    ...(rssMib !== undefined && { rssMib: Math.round(rssMib) }),
    ...(backlogSeconds !== undefined && { backlogSeconds }),
  };
}
