import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type RawRequest, send, sendBytes } from '../helpers/canary-client.ts';
import { type DevInstance, runCli, startDev } from '../helpers/dev-instance.ts';

// What a hostile client tries against the running program. Each test is an attack that must fail.

const AT = '/v1/vaults/demo';
const MISSING = `name_${'0'.repeat(26)}`;

let instance: DevInstance;

before(async () => {
  instance = await startDev();
});

after(async () => {
  await instance?.stop();
});

const bearer = (role: string) => `Bearer ${instance.tokens[role]}`;

function ask(role: string, target: string, body: unknown, more: Partial<RawRequest> = {}) {
  return send(instance.http, {
    target,
    body: typeof body === 'string' ? body : JSON.stringify(body),
    ...more,
    headers: {
      authorization: bearer(role),
      'content-type': 'application/json',
      ...more.headers,
    },
  });
}

/** A whole request as bytes, valid but for what the attack puts in. */
function rawRequest(options: { line?: string; headers?: string[]; body?: string }): string {
  const { line = `POST ${AT}/tokenize HTTP/1.1`, headers = [], body = BODY } = options;
  const usual = [
    'host: localhost',
    `authorization: ${bearer('app')}`,
    'content-type: application/json',
  ];
  return [line, ...usual, ...headers, '', body].join('\r\n');
}

const BODY = JSON.stringify({ field: 'name', value: 'Ada' });
const LENGTH = `content-length: ${BODY.length}`;
const CLOSE = 'connection: close';

const statusesIn = (answer: Buffer) =>
  [...answer.toString().matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));

/** How many answers made a token: each is one request that was believed. */
const tokensIn = (answer: Buffer) => answer.toString().match(/"token":"/g)?.length ?? 0;

test('one request stays one: no framing smuggles a second one in', async () => {
  const second = rawRequest({ headers: [LENGTH, CLOSE] });
  const chunked = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n0\r\n\r\n`;
  const shapes: Parameters<typeof rawRequest>[0][] = [
    { headers: ['content-length: 3', 'transfer-encoding: chunked'], body: `0\r\n\r\n${second}` },
    { headers: ['transfer-encoding: chunked', LENGTH], body: chunked(BODY) + second },
    { headers: ['transfer-encoding: chunked', 'transfer-encoding: identity'], body: chunked(BODY) },
    { headers: ['transfer-encoding: xchunked'], body: chunked(BODY) + second },
    { headers: ['transfer-encoding : chunked'], body: chunked(BODY) + second },
    { headers: ['transfer-encoding:\n chunked'], body: chunked(BODY) + second },
    { headers: ['content-length: 0', LENGTH], body: BODY + second },
    { headers: [`content-length: ${BODY.length}, 0`], body: BODY + second },
    { headers: [`content-length: +${BODY.length}`], body: BODY + second },
    { headers: [`content-length: 0x${BODY.length.toString(16)}`], body: BODY + second },
    { headers: ['content-length: -1'], body: BODY + second },
    {
      headers: ['transfer-encoding: chunked'],
      body: `${BODY.length.toString(16)} \n${BODY}\n0\n\n`,
    },
    { headers: ['transfer-encoding: chunked'], body: `fffffffffffffffff\r\n${BODY}\r\n0\r\n\r\n` },
    { headers: ['x: a\nx-b: c', LENGTH] },
    { headers: ['x: a\r x-b: c', LENGTH] },
    { headers: [' folded: line', LENGTH] },
    { line: `POST ${AT}/tokenize HTTP/1.1 HTTP/1.1`, headers: [LENGTH] },
  ];
  for (const shape of shapes) {
    const answer = await sendBytes(instance.http, rawRequest(shape));
    assert.equal(tokensIn(answer), 0, `believed: ${JSON.stringify(shape)}`);
    assert.ok(statusesIn(answer).length <= 1, `several answers: ${JSON.stringify(shape)}`);
  }
});

test('what follows a request as garbage closes the connection, and is no answer to it', async () => {
  const garbage = `${rawRequest({ headers: [LENGTH] })}GARBAGE\r\n\r\n`;
  const answer = await sendBytes(instance.http, garbage);
  // A refusal in the first place would be taken for the answer to the request that was well-formed.
  assert.ok(['', '200', '200,400'].includes(String(statusesIn(answer))));
});

test('a route has one spelling; others reach nothing', async () => {
  const spellings = [
    `${AT}/tokenize/`,
    `${AT}//tokenize`,
    `${AT}/./tokenize`,
    `${AT}/x/../tokenize`,
    `${AT}/tokenize;x=1`,
    `${AT}\\tokenize`,
    `${AT}/tokenize%2f`,
    `${AT}%2ftokenize`,
    `${AT}/Tokenize`,
    `/${AT}/tokenize`,
    '/V1/vaults/demo/tokenize',
    '/v1/vaults/demo%00/tokenize',
    '/v1/vaults/DEMO/tokenize',
    '/docs/../v1/vaults/demo/tokenize',
    `http://localhost${AT}/tokenize`,
    'http://localhost/docs',
  ];
  for (const target of spellings) {
    const { status, body } = await ask('app', target, BODY);
    assert.equal(status, 404, `${target}: ${body}`);
  }
});

test('a method cannot be overridden, nor a body sent under another type', async () => {
  const overrides = ['x-http-method-override', 'x-http-method', 'x-method-override'];
  for (const name of overrides) {
    const { status } = await ask('app', `${AT}/tokenize`, BODY, {
      method: 'GET',
      headers: { [name]: 'POST' },
    });
    assert.equal(status, 405);
  }
  const types = [
    'text/plain',
    'application/json\t; charset=utf-8',
    'application/json;',
    'application/jsonp',
    'application/json, text/plain',
    'Application/JSON ; charset=utf-8',
    'application/json; charset=utf-16',
  ];
  for (const type of types) {
    const { status } = await ask('app', `${AT}/tokenize`, BODY, {
      headers: { 'content-type': type },
    });
    assert.equal(status, 415, type);
  }
});

test('vaults that do not exist, are reserved, or are none of the caller\u2019s answer alike', async () => {
  const { stdout } = await runCli(['dev-token', '--role', 'app', '--vault', 'other'], instance);
  const stranger = { headers: { authorization: `Bearer ${stdout.trim()}` } };
  const answers = [
    await ask('app', '/v1/vaults/nothing/tokenize', BODY),
    await ask('app', '/v1/vaults/_system/tokenize', BODY),
    await ask('app', '/v1/vaults/__proto__/tokenize', BODY),
    await ask('app', '/v1/vaults/constructor/tokenize', BODY),
    await ask('app', `/v1/vaults/${'x'.repeat(4000)}/tokenize`, BODY),
    await ask('app', `${AT}/tokenize`, BODY, stranger),
  ];
  const comparable = answers.map(({ bytes }) =>
    bytes
      .toString()
      .replace(/(x-request-id|audit-event-id)\n[^\n]*/g, '$1')
      .replace(/\nDate\n[^\n]*/, ''),
  );
  assert.equal(answers[0]?.status, 404);
  assert.equal(new Set(comparable).size, 1, comparable.join('\n\n'));
});

test('metadata changes no prototype, and comes back as it was', async () => {
  const hostile = '{"constructor":{"prototype":{"mfa":true}},"toJSON":1,"hasOwnProperty":2,"":3}';
  const made = await ask(
    'app',
    `${AT}/tokenize`,
    `{"field":"name","value":"x","metadata":${hostile}}`,
  );
  const { token } = JSON.parse(made.body);
  const seen = await ask('supervisor', `${AT}/tokens/inspect`, { token });
  assert.equal(JSON.stringify(JSON.parse(seen.body).metadata), hostile);
  // `mfa` is what a polluted prototype would have given to everybody.
  const { body } = await ask('support', `${AT}/detokenize`, { token, purpose: 'support-ticket' });
  assert.equal(JSON.parse(body).code, 'view_not_granted');
  const refused = await ask('app', `${AT}/tokenize`, `{"field":"name","value":"x","__proto__":{}}`);
  assert.equal(refused.status, 400);
});

test('4 MiB of tiny members are refused before anything is built of them', async () => {
  const members = Array.from({ length: 300_000 }, (_, at) => `"${at.toString(36)}":1`).join(',');
  const body = `{"field":"name","value":"x","metadata":{${members}}}`;
  const answer = await ask('app', `${AT}/tokenize`, body);
  assert.deepEqual(JSON.parse(answer.body).errors, [{ path: '', rule: 'json_size' }]);
});

test('no authenticated request goes without its event, whatever is wrong with it, or who hangs up', async () => {
  const attacks: [string, unknown, Partial<RawRequest>?][] = [
    [`${AT}/tokenize`, BODY],
    [`${AT}/tokenize`, '{'],
    [`${AT}/tokenize`, 'x'.repeat(5_000_000)],
    [`${AT}/tokenize`, BODY, { method: 'PUT' }],
    [`${AT}/tokenize`, BODY, { headers: { 'content-type': 'text/plain' } }],
    [`${AT}/nothing`, BODY],
    ['/v1/vaults/nothing/tokenize', BODY],
    [`${AT}/detokenize`, { token: MISSING, purpose: 'support-ticket' }],
    [`${AT}/tokens/revoke`, { tokens: [MISSING] }],
    [`${AT}/lookup`, { field: 'name', value: 'x' }],
  ];
  const ids: string[] = [];
  for (const [target, body, more = {}] of attacks) {
    const id = randomUUID();
    ids.push(id);
    const headers = { ...more.headers, 'x-request-id': id };
    await ask('app', target, body, { ...more, headers });
  }
  const made = JSON.parse((await ask('app', `${AT}/tokenize`, BODY)).body);
  const body = JSON.stringify({ token: made.token, purpose: 'support-ticket' });
  const id = randomUUID();
  ids.push(id);
  await hangUpAfter(
    [
      `POST ${AT}/detokenize HTTP/1.1`,
      'host: localhost',
      `authorization: ${bearer('supervisor')}`,
      'content-type: application/json',
      `content-length: ${body.length}`,
      `x-request-id: ${id}`,
      '',
      body,
    ].join('\r\n'),
  );
  assert.deepEqual(await missingOf(ids), []);
});

/** Sends all of a request and cuts the connection without waiting for anything. */
function hangUpAfter(bytes: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(instance.http);
    const socket = connect({ host: hostname, port: Number(port) }, () => {
      socket.write(bytes, () => socket.destroy());
    });
    socket.on('error', reject);
    socket.on('close', () => resolve());
  });
}

/** Those request ids that the record does not know, after some time. */
async function missingOf(ids: readonly string[]): Promise<string[]> {
  let missing = [...ids];
  for (let tries = 0; tries < 20 && missing.length > 0; tries += 1) {
    const { stdout } = await runCli(['audit', 'tail', '--limit', '1000', '--json'], instance);
    missing = ids.filter((id) => !stdout.includes(`"id":"${id}"`));
    await sleep(100);
  }
  return missing;
}
