import { join } from 'node:path';
import type { AuditHeadPlace } from './formats.ts';
import { findProblems, type Mode } from './mode-rules.ts';
import { VARIABLES, type Variables } from './variables.ts';

/** What the process was given to work with. Frozen, and injected: nothing else reads the environment. */
export type Config = Readonly<ReturnType<typeof shape>>;

/** The environment as a process sees it. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The configuration does not hold; the message has one line per variable, and no value. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(['The configuration is wrong:', ...problems.map((line) => `  ${line}`)].join('\n'));
    this.problems = problems;
  }
}

/**
 * Reads the whole configuration, once. An empty variable counts as an absent one. Throws a
 * `ConfigError` that lists all problems by variable name.
 */
export function loadConfig(env: Environment, mode: Mode): Config {
  const present = Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => Boolean(entry[1])),
  );
  const parsed = VARIABLES.safeParse(present);
  // Issues of the schema carry our own texts (never the value), and the variable's name as path.
  const invalid = (parsed.error?.issues ?? []).map(
    (issue) => `${String(issue.path[0])} ${issue.message}`,
  );
  const problems = [...invalid, ...findProblems(present, mode)];
  if (parsed.data === undefined || problems.length > 0) {
    throw new ConfigError(problems);
  }
  return freeze(shape(parsed.data));
}

function shape(variables: Variables) {
  return {
    host: variables.COUNTERFOIL_HOST,
    httpPort: variables.COUNTERFOIL_HTTP_PORT,
    grpcPort: variables.COUNTERFOIL_GRPC_PORT,
    adminPort: variables.COUNTERFOIL_ADMIN_PORT,
    workers: variables.COUNTERFOIL_WORKERS,
    dataDir: variables.COUNTERFOIL_DATA_DIR,
    policiesDir: variables.COUNTERFOIL_POLICIES,
    keyring: variables.COUNTERFOIL_KEYRING ?? [],
    oidc: {
      issuer: variables.COUNTERFOIL_OIDC_ISSUER,
      audience: variables.COUNTERFOIL_OIDC_AUDIENCE,
      jwksUrl: variables.COUNTERFOIL_OIDC_JWKS_URL,
    },
    rolesClaim: variables.COUNTERFOIL_ROLES_CLAIM,
    vaultsClaim: variables.COUNTERFOIL_VAULTS_CLAIM,
    mfaAcr: variables.COUNTERFOIL_MFA_ACR,
    adminRoles: variables.COUNTERFOIL_ADMIN_ROLES,
    audit: {
      origin: variables.COUNTERFOIL_AUDIT_ORIGIN,
      keys: variables.COUNTERFOIL_AUDIT_KEY,
      head: variables.COUNTERFOIL_AUDIT_HEAD ?? headBeside(variables.COUNTERFOIL_DATA_DIR),
      /** Path of a policy file. */
      witnesses: variables.COUNTERFOIL_AUDIT_WITNESSES,
    },
    logLevel: variables.COUNTERFOIL_LOG_LEVEL,
    /** Paths; both or neither. */
    tls: { certPath: variables.COUNTERFOIL_TLS_CERT, keyPath: variables.COUNTERFOIL_TLS_KEY },
    trustedProxies: variables.COUNTERFOIL_TRUSTED_PROXIES,
    migrateUrl: variables.COUNTERFOIL_MIGRATE_URL,
    databaseUrl: variables.DATABASE_URL,
    redisUrl: variables.REDIS_URL,
    cache: {
      /** Of each process; 0: nothing. */
      maxBytes: variables.COUNTERFOIL_CACHE_BYTES,
      /** What all processes remember together; `undefined`: nothing. */
      redisUrl: variables.COUNTERFOIL_CACHE_REDIS_URL,
    },
    exportRecipients: variables.COUNTERFOIL_EXPORT_RECIPIENTS,
    client: { url: variables.COUNTERFOIL_URL, token: variables.COUNTERFOIL_TOKEN },
  };
}

function headBeside(dataDir: string): AuditHeadPlace {
  return { kind: 'folder', path: join(dataDir, 'audit-head') };
}

function freeze<T extends object>(value: T): T {
  for (const member of Object.values(value)) {
    if (typeof member === 'object' && member !== null) {
      freeze(member);
    }
  }
  return Object.freeze(value);
}
