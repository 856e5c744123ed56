import { join, resolve } from 'node:path';
import { findDatabase } from '../adapters/embedded/postgres.ts';
import type { Config } from '../config/load-config.ts';
import { readCheckpointSettings } from './audit/checkpoint-settings.ts';
import { type DevIssuer, findDevIssuer } from './dev-issuer.ts';
import { openJournalStore } from './erasure-journal.ts';
import { type PolicyDocument, readPolicyFolder } from './policy-files.ts';
import { readRootKey } from './root-key.ts';
import { type Service, startService } from './service.ts';
import { systemClock } from './system-clock.ts';

/** The policies that come with the program. */
const EXAMPLES = join(import.meta.dirname, '../../examples/policies');
/** Name of the audit log; it is known on this machine only. */
const ORIGIN = 'counterfoil.localhost/audit';

/** The folder of policies that dev loads. */
export function policyFolderOf({ policiesDir = EXAMPLES }: Config): string {
  return policiesDir;
}

/** Where dev's root key lies. */
export function rootKeyPathOf(dataDir: string): string {
  return join(dataDir, 'root.key');
}

/** Starts the service of `counterfoil dev` on what lies in its data directory. */
export async function startDevService(options: {
  config: Config;
  databaseUrl: string;
  issuer: DevIssuer;
  documents: readonly PolicyDocument[];
  /** Which of several workers it is. */
  worker?: number;
}): Promise<Service> {
  const { config, databaseUrl, documents, worker } = options;
  const { issuer, audience, publicJwk } = options.issuer;
  return startService({
    databaseUrl,
    documents,
    rootKey: await readRootKey(rootKeyPathOf(resolve(config.dataDir))),
    issuers: [{ issuer, audience, jwks: { kind: 'static', keys: [publicJwk] } }],
    claims: { roles: config.rolesClaim, vaults: config.vaultsClaim, mfaAcr: config.mfaAcr },
    host: config.host,
    httpPort: config.httpPort,
    adminPort: config.adminPort,
    logLevel: config.logLevel,
    trustedProxies: [],
    exportRecipients: config.exportRecipients,
    cache: config.cache,
    erasures: openJournalStore(config.audit.head),
    audit: {
      ...(await readCheckpointSettings(config.audit)),
      isProduction: false,
      origin: config.audit.origin,
      fallbackOrigin: () => ORIGIN,
    },
    volatile: volatilePlaceOf(config, worker !== undefined),
    ...(worker !== undefined && { worker }),
  });
}

/** As one of several workers: the primary has started the database, and made the keys. */
export async function startDevWorker(config: Config, worker: number): Promise<Service> {
  const dataDir = resolve(config.dataDir);
  const claims = { roles: config.rolesClaim, vaults: config.vaultsClaim };
  return startDevService({
    config,
    worker,
    databaseUrl: await findDatabase(dataDir),
    issuer: await findDevIssuer({ dataDir, claims, clock: systemClock }),
    documents: await readPolicyFolder(policyFolderOf(config)),
  });
}

/** What one worker had in its own memory, the others would not find. */
function volatilePlaceOf({ redisUrl }: Config, isOneOfSeveral: boolean) {
  if (redisUrl !== undefined) return { kind: 'redis' as const, url: redisUrl.reveal() };
  return { kind: isOneOfSeveral ? ('none' as const) : ('memory' as const) };
}
