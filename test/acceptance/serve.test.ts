import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createEmptyDatabase } from '../helpers/database.ts';
import { DEMO_POLICY } from '../helpers/operations.ts';
import { type Ended, runProgram, startProgram } from '../helpers/process.ts';
import { sharedRedisUrl } from '../helpers/redis.ts';
import { makeKey, signRaw } from '../transport/issuer.ts';

// The production commands as an operator runs them: a key, a migration, a service that trusts an
// OpenID Connect issuer found by discovery, on a database that the test made.

const MAIN = join(import.meta.dirname, '../../src/main.ts');
const counterfoil = (...args: string[]) => [
  process.execPath,
  '--disable-proto=delete',
  MAIN,
  ...args,
];

const key = makeKey('ES256', 'key-1');

async function startIssuer(t: TestContext): Promise<string> {
  const server = createServer((request, response) => {
    const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const answers: Record<string, object> = {
      '/.well-known/openid-configuration': { issuer, jwks_uri: `${issuer}/keys` },
      '/keys': { keys: [key.jwk] },
    };
    const answer = answers[request.url ?? ''];
    response.writeHead(answer === undefined ? 404 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(answer ?? {}));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function tokenOf(issuer: string, role: string): string {
  const now = Math.floor(Date.now() / 1000);
  const claims = {
    ...{ iss: issuer, aud: 'counterfoil', sub: `person-${role}`, iat: now, exp: now + 60 },
    realm: { roles: [role] },
    vaults: ['demo'],
  };
  return signRaw(key, { alg: 'ES256', kid: key.kid, typ: 'at+jwt' }, claims);
}

/** Starts `serve` on any free ports, and finds them in its first log line. */
async function startServe(env: Record<string, string>) {
  const program = startProgram(counterfoil('serve'), { env });
  let ended: Ended | undefined;
  void program.ended.then((end) => {
    ended = end;
  });
  while (ended === undefined) {
    const line = program
      .printed()
      .split('\n')
      .find((text) => text.includes('"listening"'));
    if (line !== undefined) {
      return { ...program, ...(JSON.parse(line) as { http: string; admin: string }) };
    }
    await sleep(20);
  }
  throw new Error(`serve did not start:\n${ended.stdout}${ended.stderr}`);
}

test('keyring new, migrate and serve make a vault that an OIDC issuer opens', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'counterfoil-serve-'));
  const database = await createEmptyDatabase();
  t.after(async () => {
    await database.drop();
    await rm(folder, { recursive: true, force: true });
  });
  const issuer = await startIssuer(t);
  const rootKey = join(folder, 'root.key');
  const env = {
    COUNTERFOIL_KEYRING: `raw-aes:${rootKey}`,
    DATABASE_URL: database.serviceUrl,
    REDIS_URL: sharedRedisUrl(),
    COUNTERFOIL_POLICIES: dirname(DEMO_POLICY),
    COUNTERFOIL_OIDC_ISSUER: issuer,
    COUNTERFOIL_OIDC_AUDIENCE: 'counterfoil',
    COUNTERFOIL_ROLES_CLAIM: 'realm.roles',
    COUNTERFOIL_HTTP_PORT: '0',
    COUNTERFOIL_ADMIN_PORT: '0',
  };

  assert.equal((await runProgram(counterfoil('keyring', 'new', rootKey))).code, 0);
  const early = await runProgram(counterfoil('serve'), { env });
  assert.equal(early.code, 1);
  assert.match(
    early.stderr,
    /^counterfoil: the database lacks \d migrations; run "counterfoil migrate"[^\n]*\n$/,
  );
  const migrated = await runProgram(counterfoil('migrate', '--json'), {
    env: { COUNTERFOIL_MIGRATE_URL: database.ownerUrl },
  });
  assert.equal(migrated.code, 0, migrated.stderr);

  const serve = await startServe(env);
  const post = async (role: string, path: string, body: unknown) => {
    const response = await fetch(`${serve.http}/v1/vaults/demo/${path}`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${tokenOf(issuer, role)}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify(body),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  const { body: issued } = await post('app', 'tokenize', {
    field: 'pan',
    value: '4111111111111111',
  });
  const reveal = { token: issued['token'], purpose: 'chargeback' };
  assert.equal((await post('billing', 'detokenize', reveal)).body['value'], '4111111111111111');
  assert.equal((await post('fraud', 'detokenize', reveal)).body['code'], 'approval_required');
  assert.equal((await post('supervisor', 'detokenize', reveal)).body['code'], 'mfa_required');
  assert.equal((await post('nobody', 'detokenize', reveal)).body['code'], 'vault_not_found');
  assert.equal((await fetch(`${serve.admin}/readyz`)).status, 200);

  const tail = await runProgram(counterfoil('audit', 'tail', '--limit', '5'), { env });
  assert.match(tail.stdout, /allow detokenize 200 vault=demo by=person-billing /);
  assert.match(
    tail.stdout,
    /deny detokenize 403 reason=mfa_required vault=demo by=person-supervisor /,
  );

  serve.child.kill('SIGTERM');
  assert.equal((await serve.ended).code, 0);
});

test('serve never trusts the issuer of dev, and says all that is missing at once', async () => {
  const dev = await runProgram(counterfoil('serve'), {
    env: { COUNTERFOIL_OIDC_ISSUER: 'counterfoil-dev' },
  });
  assert.equal(dev.code, 1);
  for (const line of [
    'DATABASE_URL is required',
    'COUNTERFOIL_KEYRING is required',
    'COUNTERFOIL_OIDC_AUDIENCE is required',
    'COUNTERFOIL_OIDC_ISSUER must not be the dev issuer: serve never trusts it',
  ]) {
    assert.ok(dev.stderr.includes(`  ${line}\n`), line);
  }
});

test('the command of the package runs in a clone, on the Node that npm brought, and passes its exit code', async () => {
  const command = join(import.meta.dirname, '../../bin/counterfoil.mjs');
  const help = await runProgram([process.execPath, command, '--help']);
  assert.match(help.stdout, /^counterfoil: a tokenization vault\n/);
  assert.equal(help.code, 0);
  assert.equal((await runProgram([process.execPath, command, 'no-such-command'])).code, 2);
});
