import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createExportKey } from '../../src/app/export-key.ts';
import { runCli } from '../../src/cli/run.ts';
import type { Environment } from '../../src/config/load-config.ts';
import { openContext } from './cli-context.ts';
import { createTestDatabase } from './database.ts';
import { policyOf } from './policies.ts';
import { startTestService, type TestService } from './service.ts';

const opaque = (mode: string) => ({ type: 'text', token: { mode } });

/** A field of each kind. */
const FIELDS = {
  name: opaque('random'),
  email: { type: 'email', token: { mode: 'deterministic', format: 'email' } },
  pan: {
    type: 'card',
    token: { mode: 'deterministic', format: 'card', keepFirst: 6, keepLast: 4 },
  },
  member: { type: 'digits', length: [8, 8], token: { mode: 'random', format: 'digits' } },
  loyalty: { type: 'digits', length: [12, 19], token: { mode: 'fpe', format: 'digits' } },
  note: { type: 'text', token: { mode: 'siv', prefix: 'note' } },
  once: { ...opaque('random'), retention: { maxReveals: 2 } },
  brief: { ...opaque('random'), retention: { ttl: '30d' } },
};

/** The vault `demo`, with a field of each kind; `exporter` and `privacy` do what their names say. */
const POLICY = policyOf(FIELDS, {
  exporter: [{ allow: ['vault.export'] }],
  privacy: [{ allow: ['subject.erase', 'subject.export'] }],
});

/** Another vault: it has the first number of its installation. */
const OTHER_POLICY = policyOf({ name: opaque('random') }).replace(
  '"vault":"demo"',
  '"vault":"other"',
);

/** An installation: a database, a root key, a service that can be started again. */
async function openInstallation(folder: string, policy: string, exportRecipients: string[]) {
  const database = await createTestDatabase();
  const start = (rootKey?: Buffer) =>
    startTestService({
      databaseUrl: database.serviceUrl,
      policies: [policy],
      exportRecipients,
      ...(rootKey === undefined ? {} : { rootKey }),
    });
  let service = await start();
  const keyFile = join(folder, `${new URL(database.serviceUrl).pathname.slice(1)}.key`);
  await writeFile(keyFile, service.rootKey, { mode: 0o600 });
  const env = { DATABASE_URL: database.serviceUrl, COUNTERFOIL_KEYRING: `raw-aes:${keyFile}` };
  return {
    database,
    env,
    service: () => service,
    restart: async () => {
      await service.close();
      service = await start(service.rootKey);
    },
    close: async () => {
      await service.close();
      await database.drop();
    },
  };
}

/** Two installations that share no key, and the identity that opens exports of the first. */
export async function openDrill() {
  const folder = await mkdtemp(join(tmpdir(), 'counterfoil-drill-'));
  const identity = join(folder, 'export.identity');
  const recipient = await createExportKey(identity);
  const source = await openInstallation(folder, POLICY, [recipient]);
  const target = await openInstallation(folder, OTHER_POLICY, []);
  return {
    folder,
    identity,
    recipient,
    source,
    target,
    close: async () => {
      await source.close();
      await target.close();
      await rm(folder, { recursive: true });
    },
  };
}

/** Runs a command of the CLI in this process. */
export async function runCommand(args: readonly string[], env: Environment) {
  const context = { ...openContext(''), env };
  const code = await runCli(args, context);
  return { code, ...context.printed };
}

/** Exports vault `demo` of a service to a file, as `counterfoil export`. */
export async function exportTo(service: TestService, out: string) {
  const env = { COUNTERFOIL_URL: service.http, COUNTERFOIL_TOKEN: service.tokenFor('exporter') };
  return runCommand(['export', '--vault', 'demo', '--out', out], env);
}

/** Posts as a role and gives the answer; anything but 200 fails the test. */
export async function ask(service: TestService, role: string, path: string, body: object) {
  const answer = await service.post(role, path, body);
  assert.equal(answer.status, 200, `${path}: ${answer.text}`);
  return answer.body;
}
