import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callAs, failureOf, makeTestOperations } from '../../test/helpers/operations.ts';
import { allCall, policyOf } from '../../test/helpers/policies.ts';
import { VaultError } from '../domain/errors.ts';
import { parseCheckpoint } from '../tlog/checkpoint.ts';
import { openNote, parseNote } from '../tlog/note.ts';
import { TlogError } from '../tlog/tlog-error.ts';
import { parseVerifierKey } from '../tlog/verifier-key.ts';
import { makeOperations } from './make-operations.ts';

const POLICY = policyOf(
  {
    name: { type: 'text', token: { mode: 'random', prefix: 'nam' } },
    email: { type: 'email', token: { mode: 'deterministic', prefix: 'eml' } },
  },
  { privacy: [{ allow: ['subject.erase', 'subject.export'] }], app: [{ allow: ['audit.read'] }] },
);
const privacy = callAs('privacy');
const subject = 'customer-17';

const makeService = () => makeTestOperations(POLICY);
type TestService = ReturnType<typeof makeService>;

const tokenize = async (
  { operations }: Pick<TestService, 'operations'>,
  field: string,
  of: string,
) =>
  (await operations.tokenize(allCall, { field, value: 'ada@example.com', subject: of })).output
    .token;

const isLive = async ({ operations }: Pick<TestService, 'operations'>, token: string) => {
  const inspected = await operations
    .inspect(allCall, { token })
    .catch((error: VaultError) => error);
  if (inspected instanceof Error) assert.equal(inspected.code, 'token_not_found');
  return !(inspected instanceof Error);
};

const verifierOf = async ({ operations }: TestService) =>
  parseVerifierKey((await operations.erasureVerifierKeys({})).trim());

test('what only this person had is gone; what is shared goes with the last of its people', async () => {
  const service = makeService();
  const [name, email] = [
    await tokenize(service, 'name', subject),
    await tokenize(service, 'email', subject),
  ];
  assert.equal(await tokenize(service, 'email', 'customer-18'), email);
  const erase = async (of: string) =>
    (await service.operations.eraseSubject(privacy, { subject: of })).output.erased;
  assert.equal(await erase(subject), 1);
  assert.deepEqual([await isLive(service, name), await isLive(service, email)], [false, true]);
  assert.equal(await erase('customer-18'), 1);
  assert.equal(await isLive(service, email), false);
});

test('a person whom nobody knows is erased alike: same answer, same event, same journal', async () => {
  const service = makeService();
  await tokenize(service, 'name', subject);
  const known = await service.operations.eraseSubject(privacy, { subject });
  const unknown = await service.operations.eraseSubject(privacy, { subject: 'nobody' });
  assert.deepEqual([known.output.erased, unknown.output.erased], [1, 0]);
  const shape = (receipt: string) => receipt.replaceAll(/ .*/g, '');
  assert.equal(shape(known.output.receipt), shape(unknown.output.receipt));
  assert.equal(service.journalStore.entries.size, 2);
  const events = service.audit.events.filter(({ operation }) => operation === 'subject.erase');
  assert.deepEqual(
    events.map(({ outcome, items, what }) => [outcome, items, Object.keys(what)]),
    Array(2).fill(['allow', 1, ['requestId', 'query']]),
  );
});

test('the receipt verifies, says whose erasure it was by a digest only, and breaks when altered', async () => {
  const service = makeService();
  await tokenize(service, 'name', subject);
  const { output, receipt } = await service.operations.eraseSubject(privacy, { subject });
  const verifier = await verifierOf(service);
  const { text, verified } = openNote(output.receipt, [verifier]);
  assert.equal(verified[0]?.name, 'log.test/audit/erasures');
  const digest = service.cipher.subjectDigest(subject).toString('base64');
  assert.deepEqual(text.split('\n'), [
    'log.test/audit/erasures',
    'vault demo',
    `person ${digest}`,
    'tokens 1',
    'time 2026-01-15T12:00:00.000Z',
    `event ${receipt.eventId}`,
    '',
  ]);
  assert.ok(!output.receipt.includes(subject));
  for (const line of text.split('\n').slice(0, -1)) {
    const altered = output.receipt.replace(line, `${line}0`);
    assert.throws(() => openNote(altered, [verifier]), TlogError, line);
  }
});

test('a receipt cannot be taken for a checkpoint, nor its key for one of the log', async () => {
  const service = makeService();
  const { output } = await service.operations.eraseSubject(privacy, { subject });
  assert.throws(() => parseCheckpoint(parseNote(output.receipt).text), TlogError);
  const { verifierKey } = service.deps.receipts;
  for (const origin of ['log.test/audit/2026', 'log.test/audit/erasures']) {
    for (const key of await service.deps.vkeysOf(origin)) {
      assert.notEqual(key.trim(), await verifierKey());
      assert.throws(() => openNote(output.receipt, [parseVerifierKey(key)]), TlogError);
    }
  }
});

test('without the right nothing happens, and the record says who was meant, by a digest', async () => {
  const service = makeService();
  const token = await tokenize(service, 'name', subject);
  for (const call of [allCall, callAs('app')]) {
    const { code } = await failureOf(service.operations.eraseSubject(call, { subject }));
    assert.equal(code, 'forbidden');
    const digest = service.cipher.subjectDigest(subject).toString('base64url');
    assert.deepEqual(service.audit.events.at(-1)?.what.query, { subject: `hmac:${digest}` });
  }
  assert.ok(await isLive(service, token));
  assert.equal(service.journalStore.entries.size, 0);
});

test('without a durable event there is no journal entry, without a journal entry no erasure', async () => {
  const service = makeService();
  const token = await tokenize(service, 'name', subject);
  service.audit.setAvailable(false);
  const first = await failureOf(service.operations.eraseSubject(privacy, { subject }));
  assert.equal(first.code, 'audit_unavailable');
  assert.equal(service.journalStore.entries.size, 0);

  service.audit.setAvailable(true);
  const add = service.journalStore.add;
  service.journalStore.add = async () => {
    throw new VaultError('store_unavailable');
  };
  const second = await failureOf(service.operations.eraseSubject(privacy, { subject }));
  assert.equal(second.code, 'store_unavailable');
  assert.deepEqual(
    service.audit.events.slice(-2).map(({ outcome, reason }) => [outcome, reason]),
    [
      ['allow', undefined],
      ['error', 'store_unavailable'],
    ],
  );
  assert.ok(await isLive(service, token));

  service.journalStore.add = add;
  assert.equal((await service.operations.eraseSubject(privacy, { subject })).output.erased, 1);
});

test('what fails after the journal entry is left for the replay', async () => {
  const service = makeService();
  await tokenize(service, 'name', subject);
  const people = {
    ...service.deps.people,
    erase: async () => {
      throw new VaultError('store_unavailable');
    },
  };
  const operations = makeOperations({ ...service.deps, people });
  const { code } = await failureOf(operations.eraseSubject(privacy, { subject }));
  assert.equal(code, 'store_unavailable');
  const { erasures } = await service.deps.journal.all();
  assert.deepEqual(await service.deps.people.unknownErasures(erasures), erasures);
  assert.equal(erasures.length, 1);
});

test('one who comes back at the very same moment is erased by the next erasure, not passed over', async () => {
  const service = makeService();
  for (const _ of [1, 2, 3]) {
    const token = await tokenize(service, 'name', subject);
    const { output } = await service.operations.eraseSubject(privacy, { subject });
    assert.equal(output.erased, 1);
    assert.equal(await isLive(service, token), false);
  }
  assert.equal(service.journalStore.entries.size, 3);
});

test('an idempotent answer is gone with its person', async () => {
  const service = makeService();
  const idempotency = { key: 'k', route: 'tokenize', body: 'b' };
  const call = { ...allCall, idempotency };
  const input = { field: 'name', value: 'Ada', subject };
  const tokenizeAgain = async () => (await service.operations.tokenize(call, input)).output.token;
  const first = await tokenizeAgain();
  assert.equal(await tokenizeAgain(), first);
  await service.operations.eraseSubject(privacy, { subject });
  assert.notEqual(await tokenizeAgain(), first);
});
