import type { Server } from '../lab/processes.ts';
import { single, type Workload } from '../load/workload.ts';
import { type Case, type Context, interleave, type Outcome, type Scenario } from './scenario.ts';
import { NO_CACHE, type Servers, withServers } from './servers.ts';
import { freshItems, issueTokens, knownItems, loadCase, revealWork, workloadOf } from './work.ts';

/** Tokens that are asked for again and again: fewer than the cache holds. */
const WORKING_SET = 10_000;

/** Work on one server. */
type Kind = { name: string; title: string; server: Server; workload: Workload };

/** Single calls at the number of connections that the targets are about. */
export const singleScenario: Scenario = {
  name: 'single',
  title: 'Single calls, 64 connections',
  run: (context) =>
    withServers(context.lab, async (servers) => {
      const { kinds, notes } = await commonKinds(context, servers);
      const unaudited = await servers.instance({ isAudited: false });
      const title = 'detokenize, warm, audit replaced by nothing';
      kinds.push(await revealKind(context, unaudited, { name: 'unaudited', title }));
      return measure(context, { scenario: 'single', kinds, connections: [64], notes });
    }),
};

/** The same at fewer connections and at more. */
export const connectionsScenario: Scenario = {
  name: 'connections',
  title: 'Single calls, by number of connections',
  run: (context) =>
    withServers(context.lab, async (servers) => {
      const { kinds, notes } = await commonKinds(context, servers);
      return measure(context, { scenario: 'connections', kinds, connections: [1, 16, 256], notes });
    }),
};

async function measure(
  context: Context,
  input: { scenario: string; kinds: readonly Kind[]; connections: number[]; notes: string[] },
): Promise<Outcome> {
  const { scenario, kinds, connections, notes } = input;
  const cases = connections.flatMap((count) =>
    kinds.map(
      ({ server, ...kind }): Case =>
        loadCase(context, { ...kind, servers: [server], connections: count }),
    ),
  );
  return { measurements: await interleave(context, scenario, cases), notes };
}

/** The floor and every kind of single call, each on an instance with the caches that it is about. */
async function commonKinds(
  context: Context,
  servers: Servers,
): Promise<{ kinds: Kind[]; notes: string[] }> {
  const product = await servers.instance();
  const uncached = await servers.instance({ env: NO_CACHE });
  const known = single({ kind: 'list', texts: knownItems('email', WORKING_SET) });
  const fresh = single(freshItems('email'));
  const warm = await revealKind(context, product, { name: 'warm', title: 'detokenize, warm' });
  const on = (name: string, title: string, workload: Workload) => ({
    ...{ name, title, server: product, workload },
  });
  const kinds: Kind[] = [
    { ...warm, name: 'floor', title: 'empty route (the floor)', server: await servers.floor() },
    warm,
    await revealKind(context, uncached, { name: 'cold', title: 'detokenize, no cache' }),
    on('new', 'tokenize, new values', workloadOf(context, { call: 'tokenize', body: fresh })),
    on('known', 'tokenize, known values', workloadOf(context, { call: 'tokenize', body: known })),
    on('lookup', 'lookup', workloadOf(context, { call: 'lookup', body: known })),
  ];
  const redisUrl = await context.lab.redis();
  if (redisUrl === undefined) {
    return { kinds, notes: ['No redis-server here: there are no figures of the cache in Redis.'] };
  }
  const server = await servers.instance({
    env: { ...NO_CACHE, COUNTERFOIL_CACHE_REDIS_URL: redisUrl },
  });
  kinds.push(
    await revealKind(context, server, { name: 'redis', title: 'detokenize, Redis alone' }),
  );
  return { kinds, notes: [] };
}

/** Reveals of a working set that is stored on this server first. */
async function revealKind(
  context: Context,
  server: Server,
  about: Pick<Kind, 'name' | 'title'>,
): Promise<Kind> {
  const tokens = await issueTokens(context, server, { items: knownItems('email', WORKING_SET) });
  return { ...about, server, workload: revealWork(context, tokens) };
}
