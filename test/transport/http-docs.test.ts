import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { openApiDocument, renderOpenApi } from '../../src/api/http/openapi.ts';
import { ROUTES } from '../../src/api/http/routes/table.ts';
import { ERRORS } from '../../src/domain/errors.ts';
import { makeFakeService } from './fake-service.ts';

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
  const calls = Object.entries(openApiDocument().paths);
  assert.equal(calls.length, ROUTES.length);
  for (const [path, { post }] of calls) {
    assert.match(path, /^\/v1\/vaults\/\{vault\}\//);
    for (const status of ['200', '400', '401', '403', '404', '413', '415', '500', '503']) {
      assert.notEqual(post.responses[status], undefined, `${path} ${status}`);
    }
    assert.notEqual(post.requestBody.content['application/json']?.example, undefined);
  }
});

test('request schemas refuse unknown members, and the error codes are those of the table', () => {
  const text = renderOpenApi();
  const document = JSON.parse(text);
  for (const { post } of Object.values(document.paths) as {
    post: {
      requestBody: { content: Record<string, { schema: { additionalProperties: boolean } }> };
    };
  }[]) {
    assert.equal(post.requestBody.content['application/json']?.schema.additionalProperties, false);
  }
  assert.deepEqual(document.components.schemas.Problem.properties.code.enum, Object.keys(ERRORS));
});

test('the documented examples are accepted by the server', async () => {
  for (const route of ROUTES) {
    const reply = await service.post(`/v1/vaults/demo${route.path}`, route.example.body as object);
    assert.equal(reply.statusCode, 200, route.operationId);
    assert.equal(route.reply.safeParse(route.example.reply).success, true, route.operationId);
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
