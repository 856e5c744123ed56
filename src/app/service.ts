import type { FastifyInstance } from 'fastify';
import { type IssuerConfig, makeAuthenticator } from '../adapters/oidc/authenticator.ts';
import { makeAuditWriter } from '../adapters/postgres/audit/writer.ts';
import { makeWrappedKeyStore } from '../adapters/postgres/keys.ts';
import { makeTokenStore } from '../adapters/postgres/tokens.ts';
import { makeAdminServer } from '../api/http/admin.ts';
import { sensitiveNames } from '../api/http/schemas/sensitive.ts';
import { makeHttpServer } from '../api/http/server.ts';
import { makeKeyring } from '../crypto/keyring.ts';
import { makeKeysets } from '../crypto/keysets.ts';
import { randomBytes } from '../crypto/random.ts';
import type { SecretBytes } from '../crypto/secret.ts';
import { makeAuthFailures } from '../operations/auth-failures.ts';
import { makeOperations } from '../operations/make-operations.ts';
import { type Logger, type LogLevel, makeLogger } from '../telemetry/logger.ts';
import { type Metrics, makeMetrics } from '../telemetry/metrics.ts';
import { keepPartitionsAhead } from './audit-maintenance.ts';
import { type Database, openDatabase } from './database.ts';
import type { PolicyDocument } from './policy-files.ts';
import { makeReadiness } from './readiness.ts';
import { systemClock as clock } from './system-clock.ts';
import { openVaults } from './vaults.ts';

/** One log for now; `audit_pending` names it so that yearly shards can follow. */
const LOG_ID = 1;
/** Time that requests in flight get to finish, in milliseconds; then what is left of the 20 s goes to the log. */
const DRAIN_MS = 12_000;
const LOG_DRAIN_MS = 5_000;

export type ServiceOptions = {
  /** Connection string of the service role. */
  databaseUrl: string;
  rootKey: SecretBytes;
  issuers: readonly IssuerConfig[];
  documents: readonly PolicyDocument[];
  claims: { roles: string; vaults: string; mfaAcr: readonly string[] };
  host: string;
  httpPort: number;
  adminPort: number;
  logLevel: LogLevel;
  tls?: { cert: string; key: string };
};

/** A service that listens. `http` and `admin` are base URLs without a path. */
export type Service = { http: string; admin: string; close(): Promise<void> };

/**
 * Starts the service on a migrated database: the one place where every part meets. Nothing listens
 * before the database's promises are checked, the keys open and every policy is believed.
 * @throws VaultError, its `detail` a line for the operator
 */
export async function startService(options: ServiceOptions): Promise<Service> {
  const logger = makeLogger({ level: options.logLevel, redact: sensitiveNames() });
  const metrics = makeMetrics();
  const database = await openDatabase(options.databaseUrl, metrics);
  const closers: (() => Promise<unknown>)[] = [database.close];
  // Last opened, first closed; each closes although another one failed to.
  const closeAll = async () => {
    for (const close of closers.splice(0).reverse()) {
      await close().catch((error: unknown) => logger.error('close_failed', {}, error));
    }
  };
  try {
    return await assemble(options, { logger, metrics, database, closers, closeAll });
  } catch (error) {
    await closeAll();
    throw error;
  }
}

type Parts = {
  logger: Logger;
  metrics: Metrics;
  database: Database;
  closers: (() => Promise<unknown>)[];
  closeAll: () => Promise<void>;
};

async function assemble(options: ServiceOptions, parts: Parts): Promise<Service> {
  const { logger, metrics, database, closers, closeAll } = parts;
  const requests = { pool: database.requests, clock };
  const keysets = makeKeysets({
    store: makeWrappedKeyStore(requests),
    keyring: makeKeyring({ rootKey: options.rootKey }),
    clock,
  });
  await keysets.ensureSystem();

  const vaultIds = new Map<string, number>();
  const audit = makeAuditWriter({
    pool: database.audit,
    clock,
    keysets,
    random: randomBytes,
    vaultIdOf: (name) => vaultIds.get(name),
    logId: LOG_ID,
    watch: metrics.audit,
  });
  metrics.audit.watchQueue(audit.queued);
  closers.push(() => audit.close(LOG_DRAIN_MS));
  closers.push(await keepPartitionsAhead(database.audit, logger));

  const { documents } = options;
  const vaults = await openVaults({ database: requests, keysets, audit, vaultIds }, documents);
  const failures = makeAuthFailures({ audit });
  closers.push(failures.close);
  const operations = makeOperations({
    vaults,
    keys: keysets,
    tokens: makeTokenStore({ ...requests, random: randomBytes, coalesced: metrics.coalesced }),
    audit,
    clock,
    random: randomBytes,
    authFailed: failures.record,
  });
  const authenticator = makeAuthenticator({
    issuers: options.issuers,
    rolesClaim: options.claims.roles,
    vaultsClaim: options.claims.vaults,
    mfaAcr: options.claims.mfaAcr,
    clock,
  });
  closers.push(authenticator.close);

  const readiness = makeReadiness({ database, keysets });
  const admin = makeAdminServer({ ready: readiness.check, metrics });
  closers.push(() => admin.close());
  const http = makeHttpServer({
    operations,
    authenticate: authenticator.authenticate,
    logger,
    metrics,
    ...(options.tls === undefined ? {} : { tls: options.tls }),
  });
  closers.push(() => drain(http));
  const { host, httpPort, adminPort } = options;
  const service = {
    admin: await admin.listen({ host, port: adminPort }),
    http: await http.listen({ host, port: httpPort }),
    close: async () => {
      readiness.drain();
      await closeAll();
    },
  };
  logger.info('listening', { http: service.http, admin: service.admin });
  return service;
}

/** Lets requests in flight finish; connections that are still busy after that are cut. */
async function drain(http: FastifyInstance): Promise<void> {
  const cut = setTimeout(() => http.server.closeAllConnections(), DRAIN_MS);
  await http.close();
  clearTimeout(cut);
}
