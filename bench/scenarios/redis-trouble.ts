// What a caller notices of a Redis that is in trouble: reads come from nowhere else than Redis and Postgres here.
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { type Case, type Context, interleave, type Scenario } from './scenario.ts';
import { NO_CACHE, withServers } from './servers.ts';
import { issueTokens, knownItems, loadCase, revealWork } from './work.ts';

const STORED = 10_000;
const CONNECTIONS = 64;
/** Of load between a trouble and the next measurement, in which Redis comes to be used again. */
const RECOVERY_SECONDS = 3;

/** `begin` puts Redis into trouble for some milliseconds at least, `end` out of it. */
type Trouble = {
  name: string;
  title: string;
  begin: (forMs: number) => Promise<unknown>;
  end: () => Promise<unknown>;
};

export const redisTroubleScenario: Scenario = {
  name: 'redis-trouble',
  title: 'Detokenize while the Redis of the cache is in trouble, 64 connections',
  run: async (context) => {
    const patient = await openPatient(context);
    if (patient === undefined) {
      const note = 'No redis-server here: there are no figures of a Redis in trouble.';
      return { measurements: [], notes: [note] };
    }
    const env = { ...NO_CACHE, COUNTERFOIL_CACHE_REDIS_URL: patient.url };
    try {
      return await withServers(context.lab, async (servers) => {
        const server = await servers.instance({ env });
        const tokens = await issueTokens(context, server, { items: knownItems('email', STORED) });
        const workload = revealWork(context, tokens);
        const common = { servers: [server], connections: CONNECTIONS, workload };
        const well = loadCase(context, {
          ...common,
          name: 'well',
          title: 'detokenize, Redis is well',
        });
        const cases = patient.troubles.map((trouble) => troubled(well, trouble));
        return { measurements: await interleave(context, 'redis-trouble', [well, ...cases]) };
      });
    } finally {
      await patient.close();
    }
  },
};

/** The same work while Redis is in trouble; it is well again, and used, before the next measurement. */
function troubled(well: Case, { name, title, begin, end }: Trouble): Case {
  return {
    ...well,
    name,
    title: `detokenize, Redis ${title}`,
    run: async (seconds) => {
      const round = await during({ begin, end }, seconds * 1_000, () => well.run(seconds));
      await well.run(RECOVERY_SECONDS);
      return round;
    },
  };
}

async function during<T>(
  { begin, end }: Pick<Trouble, 'begin' | 'end'>,
  forMs: number,
  work: () => Promise<T>,
): Promise<T> {
  await begin(forMs);
  try {
    return await work();
  } finally {
    await end();
  }
}

/** A Redis that can be put into trouble; `undefined` where none is installed. */
async function openPatient({ lab }: Context) {
  let redis = await lab.ownRedis();
  if (redis === undefined) return undefined;
  const { url } = redis;
  const command = async (...words: [string, ...string[]]) => {
    const client = new Redis(url);
    try {
      await client.call(...words);
    } finally {
      client.disconnect();
    }
  };
  let pausedUntilMs = 0;
  const troubles: Trouble[] = [
    {
      name: 'full',
      title: 'is full',
      begin: () => command('config', 'set', 'maxmemory', '1'),
      end: () => command('config', 'set', 'maxmemory', '0'),
    },
    {
      name: 'paused',
      title: 'answers nothing',
      begin: (forMs) => {
        pausedUntilMs = performance.now() + forMs;
        return command('client', 'pause', String(Math.ceil(forMs)), 'all');
      },
      // It wakes by itself.
      end: () => sleep(Math.max(0, pausedUntilMs - performance.now())),
    },
    {
      name: 'gone',
      title: 'is gone',
      begin: async () => redis?.kill(),
      end: async () => {
        redis = await lab.ownRedis(Number(new URL(url).port));
      },
    },
  ];
  return { url, troubles, close: async () => redis?.close() };
}
