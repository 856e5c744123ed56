import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { startAnswering } from '../../test/helpers/answering-server.ts';
import { loadConfig } from '../config/load-config.ts';
import { openClient } from './client.ts';
import { describeFailure } from './report-failure.ts';

const root = await mkdtemp(join(tmpdir(), 'client-'));
after(() => rm(root, { recursive: true }));

const GET = { method: 'GET', path: '/v1/x' } as const;

function open(env: Record<string, string>) {
  return openClient(loadConfig({ COUNTERFOIL_DATA_DIR: join(root, 'none'), ...env }, 'client'));
}

async function failure(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => assert.fail('it succeeded'),
    (error: unknown) => error,
  );
  return describeFailure(error).join('\n');
}

test('the service of the settings is asked, with the token and the body', async (t) => {
  const server = await startAnswering(t, [{ status: 200, body: '{"ok":true}' }]);
  const client = await open({ COUNTERFOIL_URL: server.url, COUNTERFOIL_TOKEN: 'secret-1' });
  const response = await client.request({ method: 'POST', path: '/v1/x?y=1', body: { a: 1 } });
  assert.deepEqual(await response.json(), { ok: true });
  const [asked] = server.asked;
  assert.equal(asked?.line, 'POST /v1/x?y=1');
  assert.equal(asked?.authorization, 'Bearer secret-1');
  assert.equal(asked?.body, '{"a":1}');
});

test('without settings it is the one that runs with dev, as its auditor', async (t) => {
  const server = await startAnswering(t, [{ status: 200 }, { status: 200 }]);
  const facts = { http: server.url, tokens: { app: 'app-1', auditor: 'auditor-1' } };
  await writeFile(join(root, 'dev.json'), JSON.stringify(facts));
  await (await open({ COUNTERFOIL_DATA_DIR: root })).request(GET);
  await (await open({ COUNTERFOIL_DATA_DIR: root, COUNTERFOIL_TOKEN: 'mine' })).request(GET);
  assert.deepEqual(
    server.asked.map(({ authorization }) => authorization),
    ['Bearer auditor-1', 'Bearer mine'],
  );
});

test('a token goes to the service that was named and no other', async (t) => {
  const other = await startAnswering(t, [{ status: 200 }]);
  const server = await startAnswering(t, [{ status: 302, headers: { location: other.url } }]);
  const env = { COUNTERFOIL_URL: server.url, COUNTERFOIL_TOKEN: 'secret-1' };
  const text = await failure((await open(env)).request(GET));
  assert.match(text, /answered with status 302: redirects are not followed/);
  assert.equal(other.asked.length, 0);
  assert.match(
    await failure(open({ COUNTERFOIL_URL: server.url })),
    /COUNTERFOIL_TOKEN is required/,
  );
  for (const http of ['https://evil.example', 'http://192.0.2.1', 'nonsense', 7]) {
    await writeFile(join(root, 'dev.json'), JSON.stringify({ http, tokens: { auditor: 'a' } }));
    const opened = open({ COUNTERFOIL_DATA_DIR: root, COUNTERFOIL_TOKEN: 'secret-1' });
    assert.match(await failure(opened), /dev\.json is not what dev writes/);
  }
  assert.throws(() => loadConfig({ COUNTERFOIL_URL: 'http://vault.example' }, 'client'), /https/);
});

test('a service that is not there, or that nobody started, is told in one line', async (t) => {
  const server = await startAnswering(t, []);
  server.close();
  const env = { COUNTERFOIL_URL: server.url, COUNTERFOIL_TOKEN: 'secret-1' };
  const text = await failure((await open(env)).request(GET));
  assert.match(
    text,
    /^The service at http:\/\/127\.0\.0\.1:\d+ cannot be reached \(ECONNREFUSED\)\.$/,
  );
  assert.match(
    await failure(open({})),
    /^No Counterfoil is running in .*none: start it, or set [^\n]*$/,
  );
});

test('a token that no header can hold is not quoted', async () => {
  const env = { COUNTERFOIL_URL: 'http://127.0.0.1:1', COUNTERFOIL_TOKEN: 'secret\r\nx: 1' };
  assert.doesNotMatch(await failure(open(env)), /secret/);
});

test('a refusal is told with its title, code, paths and rules, and cannot steer the terminal', async (t) => {
  const problem = {
    title: 'The request is \u001b[2Jmalformed',
    code: 'invalid_request',
    errors: [
      { path: '/from', rule: 'not_a_time' },
      { path: '/x\u202e', rule: 'unknown' },
    ],
  };
  const headers = { 'content-type': 'application/problem+json; charset=utf-8' };
  const server = await startAnswering(t, [
    { status: 400, headers, body: JSON.stringify(problem) },
    { status: 503, headers, body: 'no JSON' },
    { status: 500, body: '<h1>secret</h1>' },
  ]);
  const client = await open({ COUNTERFOIL_URL: server.url, COUNTERFOIL_TOKEN: 'secret-1' });
  assert.equal(
    await failure(client.request(GET)),
    'The service refuses: The request is ?[2Jmalformed (invalid_request, status 400).\n' +
      '  /from: not_a_time\n  /x?: unknown',
  );
  assert.match(await failure(client.request(GET)), /status 503\)\.$/);
  assert.match(await failure(client.request(GET)), /answered with status 500\.$/);
});
