import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { type Config, ConfigError, type Environment, loadConfig } from './load-config.ts';
import type { Mode } from './mode-rules.ts';

const SERVE = {
  DATABASE_URL: 'postgres://counterfoil_app:hunter2@db.example.com/counterfoil',
  COUNTERFOIL_KEYRING: 'raw-aes:/keys/root.key',
  COUNTERFOIL_OIDC_ISSUER: 'https://login.example.com/',
  COUNTERFOIL_OIDC_AUDIENCE: 'counterfoil',
};

function problemsOf(env: Environment, mode: Mode): readonly string[] {
  try {
    loadConfig(env, mode);
  } catch (error) {
    assert(error instanceof ConfigError);
    return error.problems;
  }
  return [];
}

test('dev needs no setting, and listens on loopback', () => {
  const config = loadConfig({}, 'dev');
  assert.equal(config.host, '127.0.0.1');
  assert.deepEqual([config.httpPort, config.grpcPort, config.adminPort], [8080, 8081, 9090]);
  assert.equal(config.dataDir, '.counterfoil');
  assert.equal(config.rolesClaim, 'roles');
  assert.equal(config.vaultsClaim, 'vaults');
  // One address: a second one would have a server without our limits.
  assert.equal(loadConfig({ COUNTERFOIL_HOST: 'LocalHost' }, 'dev').host, '127.0.0.1');
});

test('serve reads its keyring and its lists', () => {
  const config = loadConfig(
    {
      ...SERVE,
      COUNTERFOIL_MFA_ACR: 'gold, silver',
      COUNTERFOIL_ADMIN_ROLES: 'root:vault.create,root:apikey.manage',
      COUNTERFOIL_HTTP_PORT: '0',
    },
    'serve',
  );
  assert.deepEqual(config.keyring, [{ kind: 'raw-aes', path: '/keys/root.key' }]);
  assert.deepEqual(config.mfaAcr, ['gold', 'silver']);
  assert.deepEqual(config.adminRoles, [
    { role: 'root', action: 'vault.create' },
    { role: 'root', action: 'apikey.manage' },
  ]);
  assert.equal(config.httpPort, 0);
  assert.equal(config.databaseUrl?.reveal(), SERVE.DATABASE_URL);
});

test('nothing can be changed after loading, at any depth', () => {
  const config: Config = loadConfig({ ...SERVE }, 'serve');
  assert(Object.isFrozen(config));
  assert(Object.isFrozen(config.oidc));
  assert(Object.isFrozen(config.keyring));
  assert(Object.isFrozen(config.keyring[0]));
});

test('serve names everything that is missing at once', () => {
  assert.deepEqual(problemsOf({}, 'serve'), [
    'DATABASE_URL is required',
    'COUNTERFOIL_KEYRING is required',
    'COUNTERFOIL_OIDC_ISSUER is required',
    'COUNTERFOIL_OIDC_AUDIENCE is required',
  ]);
});

test('an empty variable counts as an absent one', () => {
  assert.deepEqual(problemsOf({ ...SERVE, DATABASE_URL: '' }, 'serve'), [
    'DATABASE_URL is required',
  ]);
  assert.equal(loadConfig({ COUNTERFOIL_HTTP_PORT: '' }, 'dev').httpPort, 8080);
});

test('problems of values, of the set and of names come together, one line each', () => {
  const problems = problemsOf(
    {
      COUNTERFOIL_HTTP_PORT: '65536',
      COUNTERFOIL_LOG_LEVEL: 'loud',
      COUNTERFOIL_HTPP_PORT: '1',
      DATABASE_URL: 'postgres://x/y',
    },
    'dev',
  );
  assert.equal(problems.length, 4);
  assert.match(problems.join('\n'), /^COUNTERFOIL_HTTP_PORT must be a port/m);
  assert.match(problems.join('\n'), /^COUNTERFOIL_LOG_LEVEL must be one of/m);
  assert.match(
    problems.join('\n'),
    /^COUNTERFOIL_HTPP_PORT .*did you mean COUNTERFOIL_HTTP_PORT\?$/m,
  );
  assert.match(problems.join('\n'), /^DATABASE_URL must not be set: dev brings its own Postgres/m);
  assert(problems.every((line) => !line.includes('\n')));
});

const REFUSED: { why: string; mode: Mode; env: Environment; names: string }[] = [
  {
    why: 'dev on a public address',
    mode: 'dev',
    env: { COUNTERFOIL_HOST: '0.0.0.0' },
    names: 'COUNTERFOIL_HOST',
  },
  {
    why: 'dev on a host name',
    mode: 'dev',
    env: { COUNTERFOIL_HOST: 'a.example' },
    names: 'COUNTERFOIL_HOST',
  },
  {
    why: 'a host with a port',
    mode: 'serve',
    env: { ...SERVE, COUNTERFOIL_HOST: 'a:1' },
    names: 'COUNTERFOIL_HOST',
  },
  {
    why: 'a port in hex',
    mode: 'dev',
    env: { COUNTERFOIL_ADMIN_PORT: '0x50' },
    names: 'COUNTERFOIL_ADMIN_PORT',
  },
  {
    why: 'the dev issuer in serve',
    mode: 'serve',
    env: { ...SERVE, COUNTERFOIL_OIDC_ISSUER: 'counterfoil-dev' },
    names: 'COUNTERFOIL_OIDC_ISSUER',
  },
  {
    why: 'an issuer over http',
    mode: 'serve',
    env: { ...SERVE, COUNTERFOIL_OIDC_ISSUER: 'http://login.example.com' },
    names: 'COUNTERFOIL_OIDC_ISSUER',
  },
  {
    why: 'a key set over http',
    mode: 'serve',
    env: { ...SERVE, COUNTERFOIL_OIDC_JWKS_URL: 'http://login.example.com/k' },
    names: 'COUNTERFOIL_OIDC_JWKS_URL',
  },
  {
    why: 'a key set host that only looks like loopback',
    mode: 'serve',
    env: { ...SERVE, COUNTERFOIL_OIDC_JWKS_URL: 'http://localhost.example.com/k' },
    names: 'COUNTERFOIL_OIDC_JWKS_URL',
  },
  {
    why: 'a key set with credentials',
    mode: 'serve',
    env: { ...SERVE, COUNTERFOIL_OIDC_JWKS_URL: 'https://a:b@login.example.com/k' },
    names: 'COUNTERFOIL_OIDC_JWKS_URL',
  },
  {
    why: 'a certificate without its key',
    mode: 'serve',
    env: { ...SERVE, COUNTERFOIL_TLS_CERT: '/c' },
    names: 'COUNTERFOIL_TLS_CERT',
  },
  {
    why: 'a key without its certificate',
    mode: 'serve',
    env: { ...SERVE, COUNTERFOIL_TLS_KEY: '/k' },
    names: 'COUNTERFOIL_TLS_CERT',
  },
  {
    why: 'a KMS key',
    mode: 'serve',
    env: { ...SERVE, COUNTERFOIL_KEYRING: 'raw-aes:/k,aws-kms:arn:aws:kms:x' },
    names: 'COUNTERFOIL_KEYRING',
  },
  {
    why: 'a keyring of an unknown kind',
    mode: 'serve',
    env: { ...SERVE, COUNTERFOIL_KEYRING: 'file:/k' },
    names: 'COUNTERFOIL_KEYRING',
  },
  {
    why: 'an unknown service-wide action',
    mode: 'dev',
    env: { COUNTERFOIL_ADMIN_ROLES: 'root:detokenize' },
    names: 'COUNTERFOIL_ADMIN_ROLES',
  },
  {
    why: 'another database',
    mode: 'serve',
    env: { ...SERVE, DATABASE_URL: 'mysql://x/y' },
    names: 'DATABASE_URL',
  },
  {
    why: 'an audit origin with a scheme',
    mode: 'dev',
    env: { COUNTERFOIL_AUDIT_ORIGIN: 'https://a.example/audit' },
    names: 'COUNTERFOIL_AUDIT_ORIGIN',
  },
  {
    why: 'one audit key twice',
    mode: 'dev',
    env: { COUNTERFOIL_AUDIT_KEY: '/k,/k' },
    names: 'COUNTERFOIL_AUDIT_KEY',
  },
  {
    why: 'a key that signs and is retired',
    mode: 'dev',
    env: { COUNTERFOIL_AUDIT_KEY: '/k,retired:/k' },
    names: 'COUNTERFOIL_AUDIT_KEY',
  },
  {
    why: 'nothing but retired keys',
    mode: 'dev',
    env: { COUNTERFOIL_AUDIT_KEY: 'retired:keyring' },
    names: 'COUNTERFOIL_AUDIT_KEY',
  },
  {
    why: 'a retired key without a name',
    mode: 'dev',
    env: { COUNTERFOIL_AUDIT_KEY: 'keyring,retired:' },
    names: 'COUNTERFOIL_AUDIT_KEY',
  },
  {
    why: 'an audit head at a URL of another kind',
    mode: 'dev',
    env: { COUNTERFOIL_AUDIT_HEAD: 's3://bucket/heads' },
    names: 'COUNTERFOIL_AUDIT_HEAD',
  },
  {
    why: 'an audit head in the database that it remembers',
    mode: 'serve',
    env: { ...SERVE, COUNTERFOIL_AUDIT_HEAD: 'postgres://x:y@db.example.com/counterfoil' },
    names: 'COUNTERFOIL_AUDIT_HEAD',
  },
  {
    why: 'a migration without a database',
    mode: 'migrate',
    env: {},
    names: 'COUNTERFOIL_MIGRATE_URL',
  },
  {
    why: 'a service URL with a path',
    mode: 'client',
    env: { COUNTERFOIL_URL: 'https://a.example/v1' },
    names: 'COUNTERFOIL_URL',
  },
];

for (const { why, mode, env, names } of REFUSED) {
  test(`refused by variable name: ${why}`, () => {
    const problems = problemsOf(env, mode);
    assert.equal(problems.length, 1);
    assert(problems[0]?.startsWith(`${names} `), problems.join());
  });
}

test('the loopback exception for http holds for addresses and localhost', () => {
  for (const host of ['127.0.0.1:99', 'localhost', '[::1]:8']) {
    loadConfig({ ...SERVE, COUNTERFOIL_OIDC_ISSUER: `http://${host}` }, 'serve');
  }
});

test('the problem of a secret never echoes it, and a loaded secret never prints', () => {
  const env = {
    ...SERVE,
    DATABASE_URL: 'hunter2@db',
    REDIS_URL: 'hunter2',
    COUNTERFOIL_URL: 'hunter2',
  };
  const text = problemsOf(env, 'serve').join('\n');
  assert.match(text, /DATABASE_URL[\s\S]*REDIS_URL[\s\S]*COUNTERFOIL_URL/);
  assert(!text.includes('hunter2'));
  const config = loadConfig({ ...SERVE, COUNTERFOIL_TOKEN: 'hunter2' }, 'serve');
  for (const printed of [
    inspect(config, { depth: 9 }),
    JSON.stringify(config),
    `${config.databaseUrl}`,
  ]) {
    assert(!printed.includes('hunter2'));
  }
});

test('trusted proxies are addresses or ranges, and nothing else', () => {
  const read = (list: string) =>
    loadConfig({ ...SERVE, COUNTERFOIL_TRUSTED_PROXIES: list }, 'serve').trustedProxies;
  assert.deepEqual(read('10.0.0.0/8, ::1,fd00::/8'), ['10.0.0.0/8', '::1', 'fd00::/8']);
  assert.deepEqual(loadConfig(SERVE, 'serve').trustedProxies, []);
  for (const wrong of [
    'proxy.example.com',
    '10.0.0.0/33',
    '10.0.0.0/',
    '1.2.3.4/8/8',
    'true',
    '3',
  ]) {
    assert.deepEqual(problemsOf({ ...SERVE, COUNTERFOIL_TRUSTED_PROXIES: wrong }, 'serve'), [
      'COUNTERFOIL_TRUSTED_PROXIES must be a list of IP addresses or CIDR ranges (10.0.0.0/8)',
    ]);
  }
});
