import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { hasCluster } from '../adapters/embedded/cluster.ts';
import { makeDataDir, startPostgres } from '../adapters/embedded/postgres.ts';
import { acquireLock } from '../adapters/embedded/service-lock.ts';
import { migrate } from '../adapters/postgres/migrate.ts';
import type { Config } from '../config/load-config.ts';
import type { SecretBytes } from '../crypto/secret.ts';
import { VaultError } from '../domain/errors.ts';
import { readCheckpointSettings } from './audit/checkpoint-settings.ts';
import { MIGRATIONS } from './database.ts';
import { type DevFacts, renderBanner } from './dev-banner.ts';
import { DEMO_VAULT, type DevIssuer, demoTokens, openDevIssuer } from './dev-issuer.ts';
import { openJournalStore } from './erasure-journal.ts';
import { type PolicyDocument, readPolicyFolder } from './policy-files.ts';
import { replacePrivateFile } from './private-file.ts';
import { createRootKey, readRootKey } from './root-key.ts';
import { startService } from './service.ts';
import { fileProblem } from './start-error.ts';
import { closeInTime, type StopSignals, untilAborted } from './stop-signals.ts';
import { systemClock } from './system-clock.ts';

/** The policies that come with the program. */
const EXAMPLES = join(import.meta.dirname, '../../examples/policies');
/** Name of the audit log; it is known on this machine only. */
const ORIGIN = 'counterfoil.localhost/audit';
/** All that a stop may take before the database ends, in milliseconds. */
const DRAIN_MS = 20_000;

type Options = StopSignals & {
  config: Config;
  /** Prints the banner, or `dev.json` when `json` is set. */
  print: (text: string) => void;
  /** Prints one line about trouble. */
  warn: (line: string) => void;
  json: boolean;
};

/** What must be undone at the end; the last one first. */
type Undo = (() => Promise<unknown>)[];

/**
 * `counterfoil dev`: the production server with everything it needs beside it. Resolves when it has
 * been stopped, and then nothing of it is left. Rejects with one line when it cannot start.
 */
export async function runDev(options: Options): Promise<void> {
  const undo: Undo = [];
  try {
    const facts = await startAll(options, undo);
    const { json, config, print } = options;
    print(json ? `${JSON.stringify(facts)}\n` : renderBanner(facts, resolve(config.dataDir)));
    await untilAborted(options.stop);
  } catch (error) {
    // A start that was told to stop half-way has not failed.
    if (!options.stop.aborted) throw error;
  } finally {
    for (const step of undo.reverse()) {
      await step().catch((error: Error) => options.warn(error.message));
    }
  }
}

async function startAll(options: Options, undo: Undo): Promise<DevFacts> {
  const { config, stop } = options;
  const dataDir = resolve(config.dataDir);
  const documents = await readPolicyFolder(config.policiesDir ?? EXAMPLES);
  checkDemoVault(documents, config.policiesDir ?? EXAMPLES);
  await makeDataDir(dataDir);
  const lock = await acquireLock(dataDir);
  undo.push(lock.release);
  const devJson = join(dataDir, 'dev.json');
  // While there is none, nothing is running: nobody shall wait at the address of an earlier start.
  await rm(devJson, { force: true });
  undo.push(() => rm(devJson, { force: true }));
  const rootKey = await openRootKey(dataDir);
  const issuer = await openDevIssuer({
    dataDir,
    claims: { roles: config.rolesClaim, vaults: config.vaultsClaim },
    clock: systemClock,
  });
  const databaseUrl = await startDatabase({ ...options, dataDir }, undo);
  stop.throwIfAborted();
  const service = await startService({
    ...serviceOptions(config, issuer),
    databaseUrl,
    rootKey,
    documents,
    erasures: openJournalStore(config.audit.head),
    audit: {
      ...(await readCheckpointSettings(config.audit)),
      isProduction: false,
      origin: config.audit.origin,
      fallbackOrigin: () => ORIGIN,
    },
  });
  undo.push(() => closeInTime(service.close, { hurry: options.hurry, limitMs: DRAIN_MS }));
  const { http, admin } = service;
  const facts: DevFacts = { http, admin, vault: DEMO_VAULT, tokens: demoTokens(issuer) };
  await replacePrivateFile(devJson, `${JSON.stringify(facts, undefined, 2)}\n`);
  return facts;
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
async function openRootKey(dataDir: string): Promise<SecretBytes> {
  const path = join(dataDir, 'root.key');
  if (!existsSync(path)) {
    if (hasCluster(dataDir)) {
      throw new VaultError('key_unavailable', {
        detail: `The root key ${path} is missing, and only it opens the data in ${join(dataDir, 'postgres')}: put it back, or remove ${dataDir} to start afresh.`,
      });
    }
    await createRootKey(path);
  }
  return readRootKey(path);
}

async function startDatabase(
  { dataDir, stop, warn }: Options & { dataDir: string },
  undo: Undo,
): Promise<string> {
  const postgres = await startPostgres({ dataDir, signal: stop, report: warn }).catch(
    (error: unknown) => {
      throw fileProblem(`Cannot start Postgres in ${dataDir}`, error);
    },
  );
  undo.push(postgres.close);
  stop.throwIfAborted();
  await postgres.ensureDatabase();
  await migrate({ connectionString: postgres.urls.owner, directory: MIGRATIONS });
  await postgres.grantService();
  return postgres.urls.service;
}

function serviceOptions(config: Config, { issuer, audience, publicJwk }: DevIssuer) {
  return {
    issuers: [{ issuer, audience, jwks: { kind: 'static' as const, keys: [publicJwk] } }],
    claims: { roles: config.rolesClaim, vaults: config.vaultsClaim, mfaAcr: config.mfaAcr },
    host: config.host,
    httpPort: config.httpPort,
    adminPort: config.adminPort,
    logLevel: config.logLevel,
    trustedProxies: [],
    exportRecipients: config.exportRecipients,
    volatile:
      config.redisUrl === undefined
        ? { kind: 'memory' as const }
        : { kind: 'redis' as const, url: config.redisUrl.reveal() },
  };
}
