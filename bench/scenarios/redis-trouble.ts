// What a caller notices of a Redis that is in trouble: reads come from nowhere else than Redis and Postgres here.
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { Lab } from '../lab/lab.ts';
import type { Server } from '../lab/processes.ts';
import { scrape } from '../measure/round.ts';
import { type Case, type Context, interleave, type Scenario } from './scenario.ts';
import { NO_CACHE, type Servers, withServers } from './servers.ts';
import { issueTokens, knownItems, loadCase, revealWork } from './work.ts';

const STORED = 10_000;
const CONNECTIONS = 64;
/** Of load before each measurement, in which Redis has to be found well and full of what is asked for. */
const CHECK_SECONDS = 2;
/** An instance that has left Redis alone several times looks again after half a minute. */
const WELL_WITHIN_MS = 60_000;
/** Under full load a few answers come too late to be used; on a machine that others slow down, some more. */
const WELL_SHARE = 0.8;
/** In a round that counts, it gave more than this when it was well, and less when it was not. */
const HELPED_SHARE = 0.5;
const HITS = 'counterfoil_cache_lookups_total{level="redis",result="hit"}';
const MISSES = 'counterfoil_cache_lookups_total{level="redis",result="miss"}';
const LEFT_ALONE = 'counterfoil_cache_redis_left_alone';

/** A Redis of the bench's own. */
type Patient = Awaited<ReturnType<typeof openPatient>>;

/** What a Redis is measured in: how it gets into that, and out of it. */
type State = {
  name: string;
  title: string;
  begin: (patient: Patient, forMs: number) => Promise<unknown>;
  end: (patient: Patient) => Promise<unknown>;
};

const nothing = () => Promise.resolve();
const WELL: State = { name: 'well', title: 'is well', begin: nothing, end: nothing };

const STATES: readonly State[] = [
  WELL,
  {
    name: 'full',
    title: 'is full, and takes nothing more',
    begin: async ({ command }) => {
      await command('flushall');
      await command('config', 'set', 'maxmemory', '1');
    },
    end: ({ command }) => command('config', 'set', 'maxmemory', '0'),
  },
  {
    name: 'paused',
    title: 'answers nothing',
    // Longer than it takes: it is ended by name.
    begin: ({ command }, forMs) => command('client', 'pause', String(2 * forMs + 10_000), 'all'),
    end: ({ command }) => command('client', 'unpause'),
  },
  {
    name: 'gone',
    title: 'is gone',
    begin: ({ kill }) => kill(),
    end: ({ restart }) => restart(),
  },
];

export const redisTroubleScenario: Scenario = {
  name: 'redis-trouble',
  title: 'Detokenize while the Redis of the cache is in trouble, 64 connections',
  run: async (context) => {
    if ((await context.lab.redis()) === undefined) {
      const note = 'No redis-server here: there are no figures of a Redis in trouble.';
      return { measurements: [], notes: [note] };
    }
    const patients: Patient[] = [];
    const admit = async () => {
      const patient = await openPatient(context.lab);
      patients.push(patient);
      return patient;
    };
    try {
      return await withServers(context.lab, async (servers) => {
        // To each its own: what an instance has learnt of one trouble must not help or harm it in the next.
        const cases: Case[] = [];
        for (const state of STATES) {
          cases.push(await stateCase(context, servers, { patient: await admit(), state }));
        }
        return { measurements: await interleave(context, 'redis-trouble', cases) };
      });
    } finally {
      for (const patient of patients) await patient.close();
    }
  },
};

async function stateCase(
  context: Context,
  servers: Servers,
  { patient, state }: { patient: Patient; state: State },
): Promise<Case> {
  const { work, server } = await openCase(context, servers, { patient, state });
  return {
    ...work,
    run: async (seconds) => {
      await untilWell(server, work);
      const before = await scrape(server);
      await state.begin(patient, seconds * 1_000);
      try {
        const round = await work.run(seconds);
        const share = hitShare(before, await scrape(server));
        // A trouble that nobody noticed was none.
        if (share > HELPED_SHARE !== (state === WELL)) {
          throw new Error(`Redis ${state.title}, and had ${share} of what was asked for`);
        }
        return round;
      } finally {
        await state.end(patient);
      }
    },
  };
}

async function openCase(
  context: Context,
  servers: Servers,
  { patient, state: { name, title } }: { patient: Patient; state: State },
) {
  const env = { ...NO_CACHE, COUNTERFOIL_CACHE_REDIS_URL: patient.url };
  const server = await servers.instance({ env });
  const tokens = await issueTokens(context, server, { items: knownItems('email', STORED) });
  const workload = revealWork(context, tokens);
  const work = loadCase(context, {
    name,
    title: `detokenize, Redis ${title}`,
    servers: [server],
    connections: CONNECTIONS,
    workload,
  });
  return { work, server };
}

type Samples = Awaited<ReturnType<typeof scrape>>;

/** Of what Redis was asked for, or would have been. */
function hitShare(before: Samples, after: Samples): number {
  const grown = (name: string) => (after.get(name) ?? 0) - (before.get(name) ?? 0);
  return grown(HITS) / Math.max(1, grown(HITS) + grown(MISSES));
}

/** Loads until Redis is used again, and has nearly everything. */
async function untilWell(server: Server, { run }: Pick<Case, 'run'>): Promise<void> {
  const untilMs = performance.now() + WELL_WITHIN_MS;
  while (performance.now() < untilMs) {
    const before = await scrape(server);
    await run(CHECK_SECONDS);
    const after = await scrape(server);
    if (after.get(LEFT_ALONE) === 0 && hitShare(before, after) >= WELL_SHARE) return;
    await sleep(500);
  }
  throw new Error('Redis was not used again');
}

/** A Redis that can be put into trouble. */
async function openPatient(lab: Lab) {
  const start = async (port?: number) => {
    const redis = await lab.ownRedis(port);
    if (redis === undefined) throw new Error('there is no redis-server');
    return redis;
  };
  let redis = await start();
  const { url } = redis;
  return {
    url,
    command: async (...words: [string, ...string[]]) => {
      const client = new Redis(url, { maxRetriesPerRequest: 3 });
      try {
        await client.call(...words);
      } finally {
        client.disconnect();
      }
    },
    kill: () => redis.kill(),
    restart: async () => {
      redis = await start(Number(new URL(url).port));
    },
    close: () => redis.close(),
  };
}
