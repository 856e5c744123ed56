import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callAs, failureOf, makeTestOperations } from '../../test/helpers/operations.ts';
import { allCall, policyOf } from '../../test/helpers/policies.ts';
import { makeOperations } from './make-operations.ts';

const FIELDS = {
  name: {
    type: 'text',
    token: { mode: 'random', prefix: 'nam' },
    views: { short: { mask: 'redact' } },
  },
  email: { type: 'email', token: { mode: 'deterministic', prefix: 'eml' } },
  once: {
    type: 'text',
    token: { mode: 'random', prefix: 'onc' },
    retention: { ttl: '1h', maxReveals: 1 },
  },
};
const POLICY = policyOf(FIELDS, { privacy: [{ allow: ['subject.export', 'subject.erase'] }] });
const privacy = callAs('privacy');
const subject = 'customer-17';
const MINUTE_MS = 60_000;

const makeService = () => makeTestOperations(POLICY);
type TestService = ReturnType<typeof makeService>;

const tokenize = async (
  { operations }: TestService,
  input: { field: string; value: string; subject?: string; metadata?: { [key: string]: string } },
) => (await operations.tokenize(allCall, { subject, ...input })).output.token;

const exported = async ({ operations }: Pick<TestService, 'operations'>, of = subject) =>
  (await operations.exportSubject(privacy, { subject: of })).output.fields;

test('every live value of the person is told by field, oldest first, and nobody else’s', async () => {
  const service = makeService();
  const email = await tokenize(service, { field: 'email', value: 'family@example.com' });
  await tokenize(service, { field: 'email', value: 'family@example.com', subject: 'customer-18' });
  await tokenize(service, { field: 'name', value: 'Somebody Else', subject: 'customer-18' });
  const names: string[] = [];
  for (const value of ['Ada Byron', 'Ada King', 'Ada Lovelace']) {
    service.advance(MINUTE_MS);
    names.push(await tokenize(service, { field: 'name', value, metadata: { kind: value } }));
  }
  assert.deepEqual(await exported(service), {
    email: [{ token: email, value: 'family@example.com', createdAt: '2026-01-15T12:00:00.000Z' }],
    name: ['Ada Byron', 'Ada King', 'Ada Lovelace'].map((value, index) => ({
      token: names[index],
      value,
      createdAt: `2026-01-15T12:0${index + 1}:00.000Z`,
      metadata: { kind: value },
    })),
  });
});

test('metadata of a value that people share is told to none of them, before an erasure or after', async () => {
  const service = makeService();
  const value = 'family@example.com';
  await tokenize(service, { field: 'email', value, metadata: { note: 'first' } });
  await tokenize(service, { field: 'email', value, subject: 'customer-18' });
  for (const person of [subject, 'customer-18']) {
    const { email } = await exported(service, person);
    assert.deepEqual([email?.[0]?.value, email?.[0]?.metadata], [value, undefined]);
  }
  await service.operations.eraseSubject(privacy, { subject });
  const { email } = await exported(service, 'customer-18');
  assert.deepEqual([email?.[0]?.value, email?.[0]?.metadata], [value, undefined]);
});

test('a person whom nobody knows has no values, and that was asked is on record', async () => {
  const service = makeService();
  assert.deepEqual(await exported(service, 'nobody'), {});
  const { operation, outcome, items } = service.audit.events.at(-1) ?? {};
  assert.deepEqual([operation, outcome, items], ['subject.export', 'allow', 0]);
});

test('an export uses up no reveal; what expired or was used up is not told', async () => {
  const service = makeService();
  const token = await tokenize(service, { field: 'once', value: 'a secret' });
  for (const _ of [1, 2]) assert.equal((await exported(service))['once']?.[0]?.value, 'a secret');
  assert.equal((await service.operations.detokenize(allCall, { token })).output.value, 'a secret');
  assert.deepEqual(await exported(service), {});
  const other = await tokenize(service, { field: 'once', value: 'another' });
  assert.equal((await exported(service))['once']?.[0]?.token, other);
  service.advance(60 * MINUTE_MS);
  assert.deepEqual(await exported(service), {});
});

test('without a durable event no value leaves; the event names each token, 1,000 at most', async () => {
  const service = makeService();
  const tokens: string[] = [];
  for (let index = 0; index < 1_001; index += 1) {
    tokens.push(await tokenize(service, { field: 'name', value: `Ada ${index}` }));
  }
  const before = service.audit.events.length;
  service.audit.setAvailable(false);
  const { code } = await failureOf(service.operations.exportSubject(privacy, { subject }));
  assert.equal(code, 'audit_unavailable');
  service.audit.setAvailable(true);
  assert.equal((await exported(service))['name']?.length, 1_001);
  const events = service.audit.events.slice(before);
  assert.deepEqual(
    events.map(({ items, what }) => [items, what.tokens?.length, what.fields]),
    [
      [1_000, 1_000, ['name']],
      [1, 1, ['name']],
    ],
  );
  assert.deepEqual(events.flatMap(({ what }) => what.tokens ?? []).sort(), tokens.sort());
  const digest = service.cipher.subjectDigest(subject).toString('base64url');
  assert.deepEqual(events[1]?.what.query, { subject: `hmac:${digest}` });
});

test('rows of a field that the policy has dropped are told under the name that they have', async () => {
  const service = makeService();
  await tokenize(service, { field: 'name', value: 'Ada' });
  const { fields, ...policy } = service.vault.policy;
  const left = new Map([...fields].filter(([name]) => name !== 'name'));
  const vault = { ...service.vault, policy: { ...policy, fields: left } };
  const vaults = { ...service.deps.vaults, find: () => vault, all: () => [vault] };
  const operations = makeOperations({ ...service.deps, vaults });
  assert.equal((await exported({ operations }))['name']?.[0]?.value, 'Ada');
});

test('a person with more than 10,000 tokens is refused, with a rule and without a value', async () => {
  const service = makeService();
  const token = await tokenize(service, { field: 'name', value: 'Ada' });
  const [row] = await service.deps.people.rowsOf({
    vaultId: 1,
    digest: service.cipher.subjectDigest(subject),
    limit: 1,
  });
  assert(row !== undefined && row.row.token === token);
  const people = { ...service.deps.people, rowsOf: async () => Array(1_000).fill(row) };
  const operations = makeOperations({ ...service.deps, people });
  const failure = await failureOf(operations.exportSubject(privacy, { subject }));
  assert.equal(failure.code, 'invalid_request');
  assert.deepEqual(failure.problems, [{ path: '/subject', rule: 'max_tokens' }]);
});

test('views, and the right to detokenize, are not the right to export', async () => {
  const service = makeService();
  const { code } = await failureOf(service.operations.exportSubject(allCall, { subject }));
  assert.equal(code, 'forbidden');
});
