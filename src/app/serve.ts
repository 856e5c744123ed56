import cluster from 'node:cluster';
import { readFile } from 'node:fs/promises';
import { checkConnectionRoom } from '../adapters/postgres/connection-room.ts';
import { migrate } from '../adapters/postgres/migrate.ts';
import type { Config } from '../config/load-config.ts';
import { randomBytes } from '../crypto/random.ts';
import type { SecretBytes } from '../crypto/secret.ts';
import { VaultError } from '../domain/errors.ts';
import { readCheckpointSettings } from './audit/checkpoint-settings.ts';
import { startWorkers } from './cluster/primary.ts';
import { runWorker } from './cluster/worker.ts';
import { MIGRATIONS, SERVICE_CONNECTIONS } from './database.ts';
import { openJournalStore } from './erasure-journal.ts';
import { readPolicyFolder } from './policy-files.ts';
import { readRootKey } from './root-key.ts';
import { type ServiceOptions, startService } from './service.ts';
import { fileProblem } from './start-error.ts';
import { closeInTime, STOP_WITHIN_MS, type StopSignals, untilAborted } from './stop-signals.ts';

type Options = StopSignals & {
  config: Config;
  /** Prints lines about trouble. */
  warn: (lines: string) => void;
  /** What to tell the operator about a failure. */
  describe: (error: unknown) => readonly string[];
};

/**
 * `counterfoil serve`: the service on a database of the operator's. Resolves when it has been stopped, to
 * whether all went well. Rejects with one line when it cannot start.
 */
export async function runServe(options: Options): Promise<boolean> {
  const { config } = options;
  if (cluster.isWorker) {
    const start = async (worker: number) =>
      startService({ ...(await readOptions(config)), worker });
    return runWorker({ ...options, start });
  }
  await (config.workers === 1 ? serveAlone(options) : serveByWorkers(options));
  return true;
}

async function serveAlone({ config, stop, hurry }: Options): Promise<void> {
  const options = await readOptions(config);
  await migrateIfTold(config);
  if (stop.aborted) return;
  const service = await startService(options);
  await untilAborted(stop);
  await closeInTime(service.close, { hurry, limitMs: STOP_WITHIN_MS.service });
}

/** The workers read the keys and policies, and say what is wrong with them: no key is ever in this process. */
async function serveByWorkers(options: Options): Promise<void> {
  const { config, stop, hurry } = options;
  const connectionString = present(config.databaseUrl, 'DATABASE_URL').reveal();
  await migrateIfTold(config);
  await checkConnectionRoom({
    connectionString,
    workers: config.workers,
    perWorker: SERVICE_CONNECTIONS,
  });
  try {
    stop.throwIfAborted();
    const service = await startWorkers(options);
    try {
      await Promise.race([untilAborted(stop), service.failed]);
    } finally {
      await closeInTime(service.close, { hurry, limitMs: STOP_WITHIN_MS.service });
    }
  } catch (error) {
    // A start that was told to stop half-way has not failed.
    if (!stop.aborted) throw error;
  }
}

async function migrateIfTold({ migrateUrl }: Config): Promise<void> {
  if (migrateUrl === undefined) return;
  await migrate({ connectionString: migrateUrl.reveal(), directory: MIGRATIONS });
}

/** The first raw key of the keyring: it wraps new keys. */
export function openKeyring(config: Config): Promise<SecretBytes> {
  const first = config.keyring.find((entry) => entry.kind === 'raw-aes');
  return readRootKey(present(first, 'COUNTERFOIL_KEYRING').path);
}

async function readOptions(config: Config): Promise<ServiceOptions> {
  const { oidc, policiesDir, rolesClaim, vaultsClaim, mfaAcr } = config;
  const tls = await readTls(config);
  return {
    databaseUrl: present(config.databaseUrl, 'DATABASE_URL').reveal(),
    rootKey: await openKeyring(config),
    issuers: [
      {
        issuer: present(oidc.issuer, 'COUNTERFOIL_OIDC_ISSUER'),
        audience: present(oidc.audience, 'COUNTERFOIL_OIDC_AUDIENCE'),
        jwks: { kind: 'url', url: oidc.jwksUrl },
      },
    ],
    documents: policiesDir === undefined ? [] : await readPolicyFolder(policiesDir),
    claims: { roles: rolesClaim, vaults: vaultsClaim, mfaAcr },
    host: config.host,
    httpPort: config.httpPort,
    adminPort: config.adminPort,
    logLevel: config.logLevel,
    trustedProxies: config.trustedProxies,
    exportRecipients: config.exportRecipients,
    cache: config.cache,
    volatile:
      config.redisUrl === undefined
        ? { kind: 'none' }
        : { kind: 'redis', url: config.redisUrl.reveal() },
    erasures: openJournalStore(config.audit.head),
    audit: {
      ...(await readCheckpointSettings(config.audit)),
      isProduction: true,
      origin: config.audit.origin,
      // Unlike any other: two logs of one name would contradict each other before a witness.
      fallbackOrigin: () => `counterfoil-${randomBytes(4).toString('hex')}.invalid/audit`,
    },
    ...(tls !== undefined && { tls }),
  };
}

async function readTls({ tls }: Config): Promise<{ cert: string; key: string } | undefined> {
  if (tls.certPath === undefined || tls.keyPath === undefined) {
    return undefined;
  }
  return { cert: await readPem(tls.certPath), key: await readPem(tls.keyPath) };
}

async function readPem(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw fileProblem(`Cannot read ${path}`, error);
  }
}

/** The rules of the mode have made sure of it; the type cannot know. */
function present<T>(value: T | undefined, name: string): T {
  if (value === undefined) {
    throw new VaultError('internal', { detail: `${name} is required` });
  }
  return value;
}
