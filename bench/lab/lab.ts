// Everything that a run measures: Postgres, an issuer, instances of `counterfoil serve` in the production
// configuration, and the floor. All of it on loopback and in one folder, which goes at the end.
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createRootKey } from '../../src/app/root-key.ts';
import type { TestDatabase } from '../../test/helpers/database.ts';
import { startRedis, type TestRedis } from '../../test/helpers/redis.ts';
import { type DatabaseServer, startDatabaseServer } from './database.ts';
import { startIssuer } from './issuer.ts';
import { policyText, type Role, VAULTS } from './policies.ts';
import { type Server, startServer } from './processes.ts';

/** What is shipped: compiled by `npm run build`, as the image has it. */
const MAIN = join(import.meta.dirname, '../../dist/main.js');
const WITHOUT_AUDIT = join(import.meta.dirname, 'without-audit/main.ts');
const FLOOR = join(import.meta.dirname, '../floor.ts');

/** What is special about one instance; without any, it has what an operator gets by default, and no Redis. */
export type InstanceOptions = {
  database: TestDatabase;
  /** Settings beside those of every instance. */
  env?: Readonly<Record<string, string>>;
  /** Further words after `serve`. */
  args?: readonly string[];
  /** The program with an audit log that records nothing: it can be had in the bench only. */
  isAudited?: boolean;
};

export type Lab = {
  folder: string;
  rootKeyPath: string;
  postgres: DatabaseServer;
  tokenFor(role: Role): string;
  startInstance(options: InstanceOptions): Promise<Server>;
  startFloor(): Promise<Server>;
  /** URL of a Redis for caches, started at the first call; `undefined` where none is installed. */
  redis(): Promise<string | undefined>;
  /** A Redis of the caller's own, to be ended by the caller; `undefined` where none is installed. */
  ownRedis(port?: number): Promise<TestRedis | undefined>;
  /** Stops what still runs, and removes everything. */
  close(): Promise<void>;
};

/** Opens the place of a run; no service runs yet. */
export async function openLab(): Promise<Lab> {
  const folder = await mkdtemp(join(tmpdir(), 'counterfoil-bench-'));
  const closers: (() => Promise<unknown>)[] = [() => rm(folder, { recursive: true, force: true })];
  const close = async () => {
    for (const step of closers.splice(0).reverse()) await step();
  };
  try {
    const postgres = await startDatabaseServer(folder);
    closers.push(postgres.close);
    const issuer = await startIssuer();
    closers.push(issuer.close);
    const rootKeyPath = join(folder, 'root.key');
    await createRootKey(rootKeyPath);
    const policies = await writePolicies(folder);
    const common = {
      COUNTERFOIL_KEYRING: `raw-aes:${rootKeyPath}`,
      COUNTERFOIL_POLICIES: policies,
      COUNTERFOIL_OIDC_ISSUER: issuer.url,
      COUNTERFOIL_OIDC_AUDIENCE: issuer.audience,
      COUNTERFOIL_HTTP_PORT: '0',
      COUNTERFOIL_ADMIN_PORT: '0',
      COUNTERFOIL_AUDIT_ORIGIN: 'bench.invalid/audit',
      COUNTERFOIL_LOG_LEVEL: 'info',
    };
    const start = makeStarter(folder, closers);
    return {
      folder,
      rootKeyPath,
      postgres,
      tokenFor: issuer.tokenFor,
      startInstance: ({ database, env = {}, args = [], isAudited = true }) =>
        start([isAudited ? MAIN : WITHOUT_AUDIT, 'serve', ...args], (place) => ({
          ...common,
          DATABASE_URL: database.serviceUrl,
          COUNTERFOIL_AUDIT_HEAD: join(place, 'head'),
          ...env,
        })),
      startFloor: () => start([FLOOR], () => ({})),
      redis: makeRedisSource(closers),
      ownRedis: async (port) =>
        (await hasRedis()) ? startRedis(port === undefined ? {} : { port }) : undefined,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function writePolicies(folder: string): Promise<string> {
  const policies = join(folder, 'policies');
  await mkdir(policies);
  for (const vault of VAULTS) await writeFile(join(policies, `${vault}.yaml`), policyText(vault));
  return policies;
}

/** Starts programs, each with a folder of its own for its log and what it remembers. */
function makeStarter(folder: string, closers: (() => Promise<unknown>)[]) {
  let count = 0;
  return async (
    command: readonly string[],
    envIn: (place: string) => Readonly<Record<string, string>>,
  ): Promise<Server> => {
    count += 1;
    const place = join(folder, `process-${count}`);
    await mkdir(place);
    const log = join(place, 'log.ndjson');
    const server = await startServer(command, { env: envIn(place), log });
    closers.push(server.stop);
    // A log of tens of millions of lines is not kept until the end of the run.
    const stop = async () => {
      await server.stop();
      await rm(place, { recursive: true, force: true });
    };
    return { ...server, stop };
  };
}

function makeRedisSource(closers: (() => Promise<unknown>)[]) {
  let started: Promise<string | undefined> | undefined;
  return () => {
    started ??= hasRedis().then(async (isThere) => {
      if (!isThere) return undefined;
      const redis = await startRedis();
      closers.push(redis.close);
      return redis.url;
    });
    return started;
  };
}

/** A bench installs nothing. */
function hasRedis(): Promise<boolean> {
  return promisify(execFile)('redis-server', ['--version']).then(
    () => true,
    () => false,
  );
}
