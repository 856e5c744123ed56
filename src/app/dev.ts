import cluster from 'node:cluster';
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { hasCluster } from '../adapters/embedded/cluster.ts';
import { makeDataDir, startPostgres } from '../adapters/embedded/postgres.ts';
import { acquireLock } from '../adapters/embedded/service-lock.ts';
import { migrate } from '../adapters/postgres/migrate.ts';
import type { Config } from '../config/load-config.ts';
import { VaultError } from '../domain/errors.ts';
import { type ServiceOfWorkers, startWorkers } from './cluster/primary.ts';
import { runWorker } from './cluster/worker.ts';
import { MIGRATIONS, SERVICE_CONNECTIONS } from './database.ts';
import { type DevFacts, renderBanner } from './dev-banner.ts';
import { DEMO_VAULT, demoTokens, openDevIssuer } from './dev-issuer.ts';
import { policyFolderOf, rootKeyPathOf, startDevService, startDevWorker } from './dev-service.ts';
import { type PolicyDocument, readPolicyFolder } from './policy-files.ts';
import { replacePrivateFile } from './private-file.ts';
import { createRootKey } from './root-key.ts';
import type { Service } from './service.ts';
import { fileProblem } from './start-error.ts';
import { closeInTime, STOP_WITHIN_MS, type StopSignals, untilAborted } from './stop-signals.ts';
import { systemClock } from './system-clock.ts';

/** What Postgres has when nothing is said; its superuser and whoever looks at it need some, too. */
const POSTGRES_CONNECTIONS = 100;
const OTHER_CONNECTIONS = 12;

type Options = StopSignals & {
  config: Config;
  /** Prints the banner, or `dev.json` when `json` is set. */
  print: (text: string) => void;
  /** Prints lines about trouble. */
  warn: (lines: string) => void;
  /** What to tell the operator about a failure. */
  describe: (error: unknown) => readonly string[];
  json: boolean;
};

/** Of a service that has nothing to keep up. */
const NEVER = new Promise<never>(() => {});

/** What must be undone at the end; the last one first. */
type Undo = (() => Promise<unknown>)[];

/**
 * `counterfoil dev`: the production server with everything it needs beside it. Resolves when it has
 * been stopped, and then nothing of it is left, to whether all went well. Rejects with one line when it cannot
 * start.
 */
export async function runDev(options: Options): Promise<boolean> {
  const { json, config, print } = options;
  if (cluster.isWorker) {
    return runWorker({ ...options, start: (worker) => startDevWorker(config, worker) });
  }
  const undo: Undo = [];
  try {
    const { facts, failed } = await startAll(options, undo);
    print(json ? `${JSON.stringify(facts)}\n` : renderBanner(facts, resolve(config.dataDir)));
    await Promise.race([untilAborted(options.stop), failed]);
  } catch (error) {
    // A start that was told to stop half-way has not failed.
    if (!options.stop.aborted) throw error;
  } finally {
    for (const step of undo.reverse()) {
      await step().catch((error: Error) => options.warn(error.message));
    }
  }
  return true;
}

async function startAll(options: Options, undo: Undo) {
  const { config, stop, hurry } = options;
  const dataDir = resolve(config.dataDir);
  const documents = await readPolicyFolder(policyFolderOf(config));
  checkDemoVault(documents, policyFolderOf(config));
  await makeDataDir(dataDir);
  const lock = await acquireLock(dataDir);
  undo.push(lock.release);
  const devJson = join(dataDir, 'dev.json');
  // While there is none, nothing is running: nobody shall wait at the address of an earlier start.
  await rm(devJson, { force: true });
  undo.push(() => rm(devJson, { force: true }));
  await ensureRootKey(dataDir);
  const issuer = await openDevIssuer({
    dataDir,
    claims: { roles: config.rolesClaim, vaults: config.vaultsClaim },
    clock: systemClock,
  });
  const databaseUrl = await startDatabase({ ...options, dataDir }, undo);
  stop.throwIfAborted();
  const service: Service | ServiceOfWorkers =
    config.workers === 1
      ? await startDevService({ config, databaseUrl, issuer, documents })
      : await startWorkers(options);
  undo.push(() => closeInTime(service.close, { hurry, limitMs: STOP_WITHIN_MS.service }));
  const { http, admin } = service;
  const facts: DevFacts = { http, admin, vault: DEMO_VAULT, tokens: demoTokens(issuer) };
  await replacePrivateFile(devJson, `${JSON.stringify(facts, undefined, 2)}\n`);
  return { facts, failed: 'failed' in service ? service.failed : NEVER };
}

/** Everything that dev hands out (tokens, lines to paste, dev.json) is for the vault of that name. */
function checkDemoVault(documents: readonly PolicyDocument[], folder: string): void {
  if (!documents.some(({ policy }) => policy.vault === DEMO_VAULT)) {
    throw new VaultError('policy_invalid', {
      detail: `dev needs a policy of a vault named ${DEMO_VAULT} among those in ${folder}: its tokens are for that vault.`,
    });
  }
}

/**
 * The root key stands before the database is made: a crash between leaves a key that guards nothing
 * yet. The other way round, a database without its key is data that nobody can open any more.
 */
async function ensureRootKey(dataDir: string): Promise<void> {
  const path = rootKeyPathOf(dataDir);
  if (existsSync(path)) return;
  if (hasCluster(dataDir)) {
    throw new VaultError('key_unavailable', {
      detail: `The root key ${path} is missing, and only it opens the data in ${join(dataDir, 'postgres')}: put it back, or remove ${dataDir} to start afresh.`,
    });
  }
  await createRootKey(path);
}

async function startDatabase(
  { config, dataDir, stop, warn }: Options & { dataDir: string },
  undo: Undo,
): Promise<string> {
  const needed = config.workers * SERVICE_CONNECTIONS + OTHER_CONNECTIONS;
  const settings = { max_connections: String(Math.max(POSTGRES_CONNECTIONS, needed)) };
  const starting = startPostgres({ dataDir, signal: stop, settings, report: warn });
  const postgres = await starting.catch((error: unknown) => {
    throw fileProblem(`Cannot start Postgres in ${dataDir}`, error);
  });
  undo.push(postgres.close);
  stop.throwIfAborted();
  await postgres.ensureDatabase();
  await migrate({ connectionString: postgres.urls.owner, directory: MIGRATIONS });
  await postgres.grantService();
  return postgres.urls.service;
}
