import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { PUBLIC_ROUTES } from '../../src/api/http/guard.ts';
import {
  type OpenApiDocument,
  openApiDocument,
  renderOpenApi,
} from '../../src/api/http/openapi.ts';
import { ROUTES } from '../../src/api/http/routes/table.ts';
import { ERRORS } from '../../src/domain/errors.ts';
import { makeFakeService } from './fake-service.ts';

/** Every call of the description. */
function callsOf(document: OpenApiDocument) {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, call]) => ({ path, method, call })),
  );
}

const service = makeFakeService();
after(() => service.app.close());

test('the served description is the generated one, the same at each generation', async () => {
  const reply = await service.app.inject('/openapi.json');
  assert.equal(reply.statusCode, 200);
  assert.match(String(reply.headers['content-type']), /^application\/json/);
  assert.equal(reply.body, renderOpenApi());
  assert.equal(reply.json().openapi, '3.1.1');
});

test('the description has every call, and every call its request, answer and errors', () => {
  const calls = callsOf(openApiDocument());
  assert.equal(calls.length, ROUTES.length);
  for (const { path, method, call } of calls) {
    assert.match(path, /^\/v1\/(vaults\/\{vault\}|audit)\//);
    const audited = call.security === undefined ? ['401', '403'] : [];
    const withBody = method === 'post' ? ['400', '413', '415'] : [];
    for (const status of ['200', '500', '503', ...audited, ...withBody]) {
      assert.notEqual(call.responses[status], undefined, `${path} ${status}`);
    }
    assert.equal(call.requestBody !== undefined, method === 'post');
    const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    const inPath = call.parameters.filter((parameter) => parameter.in === 'path');
    assert.deepEqual(inPath.map(({ name }) => name).sort(), named.sort());
  }
});

test('calls on a vault, but streams, and no others, are described with the preference and what comes of it', () => {
  for (const { path, call } of callsOf(openApiDocument())) {
    const heeds = path.startsWith('/v1/vaults/') && !path.endsWith('/stream');
    assert.equal(
      call.parameters.some(({ name }) => name === 'Prefer'),
      heeds,
      path,
    );
    for (const status of ['200', '429']) {
      const headers = call.responses[status]?.headers ?? {};
      assert.equal('Audit-Receipt-Url' in headers, heeds, `${path} ${status}`);
      assert.equal('Preference-Applied' in headers, heeds, `${path} ${status}`);
      assert.equal('Audit-Event-Id' in headers, call.security === undefined, `${path} ${status}`);
    }
    assert.deepEqual(Object.keys(call.responses['401']?.headers ?? { 'X-Request-Id': 0 }), [
      'X-Request-Id',
    ]);
  }
});

test('exactly what the guard lets through without a credential is described as public', () => {
  const described = callsOf(openApiDocument())
    .filter(({ call }) => call.security !== undefined)
    .map(({ path }) => path.replaceAll(/[{}]/g, ''));
  const open = [...PUBLIC_ROUTES]
    .filter((url) => url.startsWith('/v1'))
    .map((url) => url.replace('*', 'tile').replaceAll(':', ''));
  assert.deepEqual(described.sort(), open.sort());
});

test('request schemas refuse unknown members, and the error codes are those of the table', () => {
  for (const { call } of callsOf(openApiDocument())) {
    for (const { schema } of Object.values(call.requestBody?.content ?? {})) {
      assert.equal(schema['additionalProperties'], false);
    }
  }
  const document = JSON.parse(renderOpenApi());
  assert.deepEqual(document.components.schemas.Problem.properties.code.enum, Object.keys(ERRORS));
});

test('the documented examples are accepted by the server', async () => {
  for (const route of ROUTES) {
    const url = Object.entries(route.parameters).reduce(
      (text, [name, { example }]) => text.replace(name === '*' ? '*' : `:${name}`, example),
      route.url,
    );
    const reply =
      route.body === undefined
        ? await service.get(url)
        : await service.post(url, route.body.example as object, {
            'content-type': route.mediaType ?? 'application/json',
          });
    assert.equal(reply.statusCode, 200, route.operationId);
    assert.doesNotMatch(reply.body, /"error"/);
    if ('schema' in route.answer) {
      assert.equal(route.answer.schema.safeParse(route.answer.example).success, true, url);
    } else {
      const [type = ''] = String(reply.headers['content-type']).split(';');
      assert.equal(route.answer.mediaTypes.includes(type), true, url);
    }
  }
});

test('the pages need no script and no network, and their policy forbids both', async () => {
  for (const url of ['/docs', '/docs/errors']) {
    const reply = await service.app.inject(url);
    assert.equal(reply.statusCode, 200);
    assert.doesNotMatch(reply.body, /<script|https?:\/\/|\sstyle=|\son\w+=/);
    assert.match(String(reply.headers['content-security-policy']), /default-src 'none'/);
    assert.doesNotMatch(String(reply.headers['content-security-policy']), /unsafe/);
    const links = [...reply.body.matchAll(/(?:href|src)="(\/[^"#]*)/g)].map(
      ([, link = '']) => link,
    );
    for (const link of links) {
      assert.equal((await service.app.inject(link)).statusCode, 200, link);
    }
  }
});

test('the reference has an anchor for every call, the error page one for every code', async () => {
  const docs = await service.app.inject('/docs');
  for (const { operationId } of ROUTES) {
    assert.equal(docs.body.includes(`id="${operationId}"`), true, operationId);
  }
  const errors = await service.app.inject('/docs/errors');
  for (const code of Object.keys(ERRORS)) {
    assert.equal(errors.body.includes(`id="${code}"`), true, code);
  }
});
