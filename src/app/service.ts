import type { FastifyInstance } from 'fastify';
import { type IssuerConfig, makeAuthenticator } from '../adapters/oidc/authenticator.ts';
import { makeBudgetStore } from '../adapters/postgres/budgets.ts';
import { makeWrappedKeyStore } from '../adapters/postgres/keys.ts';
import { makePeopleStore } from '../adapters/postgres/people.ts';
import { makeTokenSearch } from '../adapters/postgres/token-search.ts';
import { makeTokenSweep } from '../adapters/postgres/token-sweep.ts';
import { makeTokenStore } from '../adapters/postgres/tokens.ts';
import { readSealId } from '../adapters/postgres/vaults.ts';
import { makeAdminServer, type Readiness } from '../api/http/admin.ts';
import { sensitiveNames } from '../api/http/schemas/sensitive.ts';
import { makeHttpServer } from '../api/http/server.ts';
import { makeKeyring } from '../crypto/keyring.ts';
import { type Keysets, makeKeysets } from '../crypto/keysets.ts';
import { randomBytes } from '../crypto/random.ts';
import { makeErasureReceiptSigner } from '../crypto/receipt-signer.ts';
import type { SecretBytes } from '../crypto/secret.ts';
import { makeAuthFailures } from '../operations/auth-failures.ts';
import { makeEntryReads } from '../operations/entry-reads.ts';
import { makeOperations } from '../operations/make-operations.ts';
import type { JournalStore } from '../operations/ports/erasure-journal.ts';
import type { TokenSearch } from '../operations/ports/token-search.ts';
import type { Vault, VaultRegistry } from '../operations/ports/vault-registry.ts';
import { makeBudgets } from '../operations/steps/budget.ts';
import { type Logger, type LogLevel, makeLogger } from '../telemetry/logger.ts';
import { type Metrics, makeMetrics } from '../telemetry/metrics.ts';
import { type AuditTrailOptions, openAuditTrail } from './audit/trail.ts';
import { type CacheOptions, openTokenReads } from './caches.ts';
import { type Database, openDatabase } from './database.ts';
import { makeErasureJournal } from './erasure-journal.ts';
import { startErasureReplay } from './erasure-replay.ts';
import { makeExporting } from './exporting.ts';
import type { PolicyDocument } from './policy-files.ts';
import { makeReadiness } from './readiness.ts';
import { startSweeper } from './sweeper.ts';
import { systemClock as clock } from './system-clock.ts';
import { startTokenUsage } from './token-usage.ts';
import { openVaults } from './vaults.ts';
import { VERSION } from './version.ts';
import { checkVolatile, openVolatileStore, type VolatilePlace } from './volatile.ts';

/** Time that requests in flight get to finish, in milliseconds; then what is left of the 20 s goes to the log. */
const DRAIN_MS = 12_000;
/** How often connections that have become idle are looked for while draining. */
const SWEEP_MS = 50;

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
  /** Proxies whose `X-Forwarded-For` is believed, as addresses or CIDR ranges. */
  trustedProxies: readonly string[];
  audit: AuditTrailOptions;
  /** Where erasures are remembered; closed with the service. */
  erasures: JournalStore;
  /** Where values of volatile fields are kept. */
  volatile: VolatilePlace;
  /** What may be remembered of tokens. */
  cache: CacheOptions;
  /** Who can open exports of vaults (age); without any, there are none. */
  exportRecipients: readonly string[];
  /** Which of several workers this is: its log lines say so, and the admin port is its primary's. */
  worker?: number;
};

/** What the admin port publishes. */
type Probes = { ready: () => Promise<Readiness>; metrics: Metrics };

/** A service that listens. `http` and `admin` are base URLs without a path; a worker has no `admin`. */
export type Service = { http: string; admin: string; probes: Probes; close(): Promise<void> };

/**
 * Starts the service on a migrated database: the one place where every part meets. Nothing listens
 * before the database's promises are checked, the keys open and every policy is believed.
 * @throws VaultError, its `detail` a line for the operator
 */
export async function startService(options: ServiceOptions): Promise<Service> {
  const { worker } = options;
  const log = makeLogger({
    level: options.logLevel,
    redact: sensitiveNames(),
    isShared: worker !== undefined,
  });
  const logger = worker === undefined ? log : log.child({ worker });
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
  const { operations, keysets } = await openVaultCore(options, parts);
  const authenticator = makeAuthenticator({
    issuers: options.issuers,
    rolesClaim: options.claims.roles,
    vaultsClaim: options.claims.vaults,
    mfaAcr: options.claims.mfaAcr,
    clock,
    keysFailed: (error) => logger.warn('issuer_keys_unavailable', {}, error),
  });
  closers.push(authenticator.close);
  const readiness = makeReadiness({ database, keysets });
  const probes = { ready: readiness.check, metrics };
  const admin = makeAdminServer(probes);
  closers.push(() => admin.close());
  const http = makeHttpServer({
    operations,
    authenticate: authenticator.authenticate,
    recall: authenticator.recall,
    logger,
    metrics,
    ...(options.trustedProxies.length === 0 ? {} : { trustProxy: options.trustedProxies }),
    ...(options.tls === undefined ? {} : { tls: options.tls }),
  });
  closers.push(() => drain(http));
  const { host, httpPort, adminPort, worker } = options;
  const service = {
    admin: worker === undefined ? await admin.listen({ host, port: adminPort }) : '',
    http: await http.listen({ host, port: httpPort }),
    probes,
    close: async () => {
      readiness.drain();
      await closeAll();
    },
  };
  const { http: url } = service;
  if (worker === undefined) logger.info('listening', { http: url, admin: service.admin });
  else logger.info('worker_listening', { http: url });
  return service;
}

/** Everything behind the transports: keys, audit log, vaults, and the operations over them. */
async function openVaultCore(options: ServiceOptions, parts: Parts) {
  const { rootKey, documents, databaseUrl } = options;
  const { logger, metrics, database, closers } = parts;
  const requests = { pool: database.requests, clock };
  const keyring = makeKeyring({ rootKey });
  const store = makeWrappedKeyStore(requests);
  const sealIdOf = (vaultId: number) => readSealId(requests, vaultId);
  const keysets = makeKeysets({ store, keyring, clock, sealIdOf });
  closers.push(keysets.close);
  await keysets.ensureSystem();

  const vaultIds = new Map<string, number>();
  const trail = await openAuditTrail(
    { ...options.audit, databaseUrl, vaultIdOf: (name) => vaultIds.get(name) },
    { ...parts, keysets },
  );
  const { audit } = trail;

  warnOfPolicies(documents, logger);
  const check = (vault: Vault) => checkVolatile(options.volatile, vault);
  const opening = { database: requests, keysets, audit, vaultIds, logger, check };
  const vaults = await openVaults(opening, documents);
  const failures = makeAuthFailures({ audit });
  closers.push(failures.close);
  const entryReads = makeEntryReads({ audit, clock });
  closers.push(entryReads.close);
  const volatile = await openVolatileStore(options.volatile, { clock, logger });
  closers.push(volatile.close);
  const people = makePeopleStore(requests);
  const journal = makeErasureJournal({ store: options.erasures, keysets });
  closers.push(options.erasures.close);
  const replaying = { journal, people, vaults, keys: keysets, audit, metrics: metrics.erasures };
  closers.push((await startErasureReplay({ ...replaying, clock, logger })).close);
  const search = makeTokenSearch({ pool: database.log });
  startUpkeep({ vaults, keysets, search, ...parts });
  const exporting = { pool: database.log, store, keyring, keysets };
  const tokens = makeTokenStore({ ...requests, random: randomBytes, coalesced: metrics.coalesced });
  const operations = makeOperations({
    ...trail,
    progress: audit,
    vaults,
    keys: keysets,
    auditKeys: keysets,
    tokens,
    reads: await openTokenReads(options.cache, { ...parts, store: tokens, keysets, clock }),
    search,
    people,
    journal,
    receipts: makeErasureReceiptSigner({ keysets, origin: trail.origin }),
    volatile,
    exporting: await makeExporting(options.exportRecipients, exporting),
    budgets: makeBudgets({ store: makeBudgetStore(requests), clock }),
    clock,
    random: randomBytes,
    authFailed: failures.record,
    entryReads,
    version: VERSION,
  });
  return { operations, keysets };
}

/** What goes on beside the requests: dead tokens are deleted, used ones counted. */
function startUpkeep({
  vaults,
  keysets,
  search,
  database,
  metrics,
  logger,
  closers,
}: Parts & { vaults: VaultRegistry; keysets: Keysets; search: TokenSearch }): void {
  const sweep = makeTokenSweep({ pool: database.log });
  const sweeping = { sweep, keys: keysets, random: randomBytes, metrics: metrics.sweeper };
  closers.push(startSweeper({ ...sweeping, clock, logger }).close);
  closers.push(startTokenUsage({ search, vaults, metrics: metrics.tokens, clock, logger }).close);
}

/** What is allowed but seldom meant. Paths are names of the policy, never values. */
function warnOfPolicies(documents: readonly PolicyDocument[], logger: Logger): void {
  for (const { policy, warnings } of documents) {
    for (const { path, rule } of warnings) {
      logger.warn('policy_warning', { vault: policy.vault, path, rule });
    }
  }
}

/** Lets requests in flight finish; connections that are still busy after that are cut. */
async function drain(http: FastifyInstance): Promise<void> {
  const cut = setTimeout(() => http.server.closeAllConnections(), DRAIN_MS);
  // A connection that was busy when the server closed stays open after its answer (keep-alive).
  const sweep = setInterval(() => http.server.closeIdleConnections(), SWEEP_MS);
  try {
    await http.close();
  } finally {
    clearTimeout(cut);
    clearInterval(sweep);
  }
}
