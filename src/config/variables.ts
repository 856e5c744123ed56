import { z } from 'zod';
import * as format from './formats.ts';

/** What the generated table says of a variable beside its name and default. */
type Doc = {
  meaning: string;
  /** Which commands heed it. */
  usedBy: string;
  /** A sample for `.env.example`, where there is no default. */
  example?: string;
};

/** The words about each variable, for the docs that are generated from the schema. */
export const DOCS = z.registry<Doc>();

const SERVER = '`dev`, `serve`';

/**
 * Every environment variable that the program reads, and nothing else reads any. The defaults stand
 * here as text, as one would write them in the environment; no secret has one.
 */
export const VARIABLES = z.object({
  COUNTERFOIL_HOST: format.host.prefault('127.0.0.1').register(DOCS, {
    meaning: 'Address to listen on; `localhost` is 127.0.0.1. `dev` takes a loopback address only.',
    usedBy: SERVER,
  }),
  COUNTERFOIL_HTTP_PORT: format.port
    .prefault('8080')
    .register(DOCS, { meaning: 'Port of the REST API; 0 = any free port.', usedBy: SERVER }),
  COUNTERFOIL_GRPC_PORT: format.port.prefault('8081').register(DOCS, {
    meaning: 'Port of the gRPC API (not built yet); 0 = any free port.',
    usedBy: SERVER,
  }),
  COUNTERFOIL_ADMIN_PORT: format.port.prefault('9090').register(DOCS, {
    meaning: 'Port of `/livez`, `/readyz` and `/metrics`; 0 = any free port.',
    usedBy: SERVER,
  }),
  COUNTERFOIL_WORKERS: format.workers.prefault('1').register(DOCS, {
    meaning:
      'Processes that serve, on one port, 1 to 64: one for each core that Postgres leaves free. `--workers` goes before it.',
    usedBy: SERVER,
  }),
  COUNTERFOIL_DATA_DIR: format.text.prefault('.counterfoil').register(DOCS, {
    meaning:
      'Folder of the embedded database, its root key and `dev.json`; of `serve`, what it remembers of the audit log.',
    usedBy: '`dev`, `serve`, `dev-token`, `audit`',
  }),
  COUNTERFOIL_POLICIES: format.text.optional().register(DOCS, {
    meaning: 'Folder of policy files, one vault each. `dev` without it loads `examples/policies`.',
    usedBy: SERVER,
    example: '/etc/counterfoil/policies',
  }),
  COUNTERFOIL_KEYRING: format.keyring.optional().register(DOCS, {
    meaning:
      'Root keys, the first wraps new keys: `raw-aes:PATH`, a file of `counterfoil keyring new`. (Several ' +
      'keys and `aws-kms:ARN` are not built yet.) `dev` keeps its own. Required by `serve`.',
    usedBy: '`serve`',
    example: 'raw-aes:/etc/counterfoil/root.key',
  }),
  COUNTERFOIL_OIDC_ISSUER: format.text.optional().register(DOCS, {
    meaning: 'The issuer (`iss`) whose tokens are accepted, an https URL. Required by `serve`.',
    usedBy: '`serve`',
    example: 'https://login.example.com',
  }),
  COUNTERFOIL_OIDC_AUDIENCE: format.text.optional().register(DOCS, {
    meaning: 'The audience (`aud`) that a token must name. Required by `serve`.',
    usedBy: '`serve`',
    example: 'counterfoil',
  }),
  COUNTERFOIL_OIDC_JWKS_URL: format.trustedUrl.optional().register(DOCS, {
    meaning: "The issuer's key set. Without it, the discovery document of the issuer names it.",
    usedBy: '`serve`',
    example: 'https://login.example.com/.well-known/jwks.json',
  }),
  COUNTERFOIL_ROLES_CLAIM: format.claim
    .prefault('roles')
    .register(DOCS, { meaning: 'Claim that lists the roles of the caller.', usedBy: SERVER }),
  COUNTERFOIL_VAULTS_CLAIM: format.claim.prefault('vaults').register(DOCS, {
    meaning: 'Claim that lists the vaults of the caller, or is `"*"`; absent = none.',
    usedBy: SERVER,
  }),
  COUNTERFOIL_MFA_ACR: format.list.prefault('').register(DOCS, {
    meaning: 'Values of `acr` that prove a second factor, separated by commas.',
    usedBy: SERVER,
  }),
  COUNTERFOIL_ADMIN_ROLES: format.adminRoles.prefault('').register(DOCS, {
    meaning:
      'Who may do what to the whole service (checked, not used yet): `role:action,…` with `vault.create`, `vault.destroy`, ' +
      '`apikey.manage`, `principal.suspend`.',
    usedBy: SERVER,
  }),
  COUNTERFOIL_AUDIT_ORIGIN: format.auditOrigin.optional().register(DOCS, {
    meaning:
      'Name of the audit log, under which its checkpoints are signed; fixed when the log is created. Without it a ' +
      'new log of `serve` gets a random name, and one of `dev` is `counterfoil.localhost/audit`.',
    usedBy: SERVER,
    example: 'counterfoil.example.com/audit',
  }),
  COUNTERFOIL_AUDIT_KEY: format.auditKeys.prefault('keyring').register(DOCS, {
    meaning:
      'Keys that sign checkpoints: `keyring` (derived from it) or files of `counterfoil audit key`, several separated ' +
      'by commas while keys change. `retired:` before one that signs no more: what it signed still verifies.',
    usedBy: SERVER,
  }),
  COUNTERFOIL_AUDIT_HEAD: format.auditHead.optional().register(DOCS, {
    meaning:
      'Where the last signed state and the erasures of people are remembered, outside the database: a folder on a ' +
      'lasting volume, or another Postgres (as URL, a secret) that all instances share. Default: `audit-head` in ' +
      '`COUNTERFOIL_DATA_DIR`.',
    usedBy: SERVER,
    example: 'postgres://counterfoil_head:PASSWORD@heads.example.com/heads',
  }),
  COUNTERFOIL_AUDIT_WITNESSES: format.text.optional().register(DOCS, {
    meaning:
      'Policy file (C2SP tlog-policy) of the witnesses that are asked to cosign checkpoints, each with a URL.',
    usedBy: SERVER,
    example: '/etc/counterfoil/witnesses.policy',
  }),
  COUNTERFOIL_LOG_LEVEL: format.logLevel.prefault('info').register(DOCS, {
    meaning: '`debug`, `info`, `warn`, `error` or `silent`.',
    usedBy: SERVER,
  }),
  COUNTERFOIL_TLS_CERT: format.text.optional().register(DOCS, {
    meaning: 'PEM file with the certificate chain; together with `COUNTERFOIL_TLS_KEY`.',
    usedBy: '`serve`',
    example: '/etc/counterfoil/tls.crt',
  }),
  COUNTERFOIL_TLS_KEY: format.text.optional().register(DOCS, {
    meaning: 'PEM file with the private key of that certificate.',
    usedBy: '`serve`',
    example: '/etc/counterfoil/tls.key',
  }),
  COUNTERFOIL_TRUSTED_PROXIES: format.networks.prefault('').register(DOCS, {
    meaning:
      'Proxies whose `X-Forwarded-For` is believed, as addresses or CIDR ranges separated by commas. ' +
      'Without it the peer is the source, in the audit log and for `sourceIps`.',
    usedBy: '`serve`',
    example: '10.0.0.0/8',
  }),
  COUNTERFOIL_MIGRATE_URL: format.postgresUrl.optional().register(DOCS, {
    meaning: 'Postgres, as the owner role. With it, `serve` migrates before it starts. A secret.',
    usedBy: '`migrate`, `serve`',
    example: 'postgres://counterfoil_owner:PASSWORD@db.example.com/counterfoil',
  }),
  DATABASE_URL: format.postgresUrl.optional().register(DOCS, {
    meaning: 'Postgres, as the service role. Required by `serve`, refused by `dev`. A secret.',
    usedBy: '`serve`, `audit`',
    example: 'postgres://counterfoil_app:PASSWORD@db.example.com/counterfoil',
  }),
  REDIS_URL: format.redisUrl.optional().register(DOCS, {
    meaning:
      'Redis, where values of volatile fields are kept; required when a policy has some (`dev` without it keeps ' +
      'them in its own memory). It must evict nothing and write nothing to disk. A secret.',
    usedBy: SERVER,
    example: 'redis://cache.example.com:6379',
  }),
  COUNTERFOIL_CACHE_BYTES: format.byteCount.prefault('16777216').register(DOCS, {
    meaning:
      'What each process may remember of sealed tokens, in bytes, its own overhead included (16 MiB are some 30,000 ' +
      'tokens); 0 = nothing.',
    usedBy: SERVER,
  }),
  COUNTERFOIL_CACHE_REDIS_URL: format.redisUrl.optional().register(DOCS, {
    meaning:
      'Redis, where all instances remember sealed tokens together; without it none is used for that. One that may ' +
      'evict (`allkeys-lru`), and so not that of `REDIS_URL`. A secret.',
    usedBy: SERVER,
    example: 'redis://cache.example.com:6380',
  }),
  COUNTERFOIL_EXPORT_RECIPIENTS: format.ageRecipients.prefault('').register(DOCS, {
    meaning:
      'Who can open exports of vaults: age public keys (`age1…`), separated by commas, of files of ' +
      '`counterfoil export-key new`. Without it no vault can be exported.',
    usedBy: SERVER,
    example: 'age1…',
  }),
  COUNTERFOIL_URL: format.serviceUrl.optional().register(DOCS, {
    meaning:
      'The service to talk to; without it, the one that runs with `dev`, as `dev.json` says.',
    usedBy: '`audit` commands, but `audit tail`',
    example: 'https://vault.example.com',
  }),
  COUNTERFOIL_TOKEN: format.secret.optional().register(DOCS, {
    meaning:
      'The bearer token to talk to it with; without it and `COUNTERFOIL_URL`, that of the auditor in `dev.json`. A secret.',
    usedBy: '`audit` commands, but `audit tail`',
    example: 'TOKEN',
  }),
});

export type Variables = z.output<typeof VARIABLES>;
