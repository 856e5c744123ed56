import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import {
  callAs,
  DEMO_POLICY,
  failureOf,
  makeTestOperations,
} from '../../../test/helpers/operations.ts';
import { VaultError } from '../../domain/errors.ts';
import { makeDetokenizeStream } from '../detokenize-stream.ts';
import type { DetokenizeInput, StreamItem, TokenizeInput } from '../operation.ts';
import { makeTokenizeStream } from '../tokenize-stream.ts';

const app = callAs('app');
const support = callAs('support');
const malformed = { failure: new VaultError('invalid_request') };
const ofName = (value: string): StreamItem<TokenizeInput> => ({ input: { field: 'name', value } });

async function* sourceOf<T>(...windows: T[]): AsyncGenerator<T, void, void> {
  yield* windows;
}

/** All lines of an answer; of those that failed, the code. */
async function linesOf(answer: { output: AsyncIterable<readonly object[]> }) {
  const lines: unknown[] = [];
  for await (const window of answer.output) {
    lines.push(
      ...window.map((line) => Reflect.get(Reflect.get(line, 'error') ?? {}, 'code') ?? line),
    );
  }
  return lines;
}

async function withNames(policyText?: string) {
  const service = makeTestOperations(policyText);
  const issued = await service.operations.tokenizeStream(
    app,
    sourceOf([ofName('Ada Lovelace'), ofName('Grace Hopper')]),
  );
  const tokens: string[] = [];
  for await (const window of issued.output) {
    for (const line of window) if ('token' in line) tokens.push(line.token);
  }
  const [ada = '', grace = ''] = tokens;
  const ask = (token: string, more: Partial<DetokenizeInput> = {}) => ({
    input: { token, view: 'masked', purpose: 'support-ticket', ...more },
  });
  const before = service.audit.events.length;
  return { ...service, ada, grace, ask, newEvents: () => service.audit.events.slice(before) };
}

test('each line has the fate of a single call, in order, and one event stands for each outcome', async () => {
  const { operations, audit } = makeTestOperations();
  const answer = await operations.tokenizeStream(
    app,
    sourceOf(
      [
        ofName('Ada'),
        malformed,
        { input: { field: 'nothing', value: 'x' } },
        ofName('Grace'),
        { input: { field: 'email', value: 'no address' } },
      ],
      [{ failure: new VaultError('payload_too_large') }, ofName('Eve')],
    ),
  );
  const [ada, ...rest] = await linesOf(answer);
  assert.match(String(Reflect.get(Object(ada), 'token')), /^name_/);
  assert.deepEqual(
    rest.map((line) => (typeof line === 'string' ? line : 'token')),
    ['invalid_request', 'field_unknown', 'token', 'value_invalid', 'payload_too_large', 'token'],
  );
  const events = audit.events.map(({ operation, reason, items }) => [operation, reason, items]);
  assert.deepEqual(
    events.map(([operation]) => operation),
    events.map(() => 'tokenize'),
  );
  const counted = events.map(([, reason, items]) => `${reason ?? 'allow'} ${items}`);
  assert.deepEqual(counted.sort(), [
    'allow 1',
    'allow 2',
    'field_unknown 1',
    'invalid_request 1',
    'payload_too_large 1',
    'value_invalid 1',
  ]);
  assert.equal(
    audit.events.some(({ id }) => id === answer.receipt.eventId),
    true,
  );
});

test('lines of a window that are explained alike share an event, others have their own', async () => {
  const { operations, ada, grace, ask, newEvents } = await withNames();
  const other = { purpose: 'delivery', reference: 'case 7' };
  const answer = await operations.detokenizeStream(
    support,
    sourceOf([ask(ada), ask(grace, other), ask(grace)]),
  );
  assert.deepEqual(
    (await linesOf(answer)).map((line) => Reflect.get(Object(line), 'value')),
    ['A. L.', 'G. H.', 'G. H.'],
  );
  assert.deepEqual(
    newEvents().map(({ items, what }) => [items, what.view, what.purpose, what.reference]),
    [
      [2, 'masked', 'support-ticket', undefined],
      [1, 'masked', 'delivery', 'case 7'],
    ],
  );
});

test('what one line lacks refuses that line alone', async () => {
  const { operations, ada, ask, newEvents } = await withNames();
  const answer = await operations.detokenizeStream(
    support,
    sourceOf([
      ask(ada),
      ask(ada, { purpose: undefined }),
      ask(ada, { view: undefined }),
      ask('name_00000000000000000000000000'),
      malformed,
    ]),
  );
  const [first, ...codes] = await linesOf(answer);
  assert.equal(Reflect.get(Object(first), 'value'), 'A. L.');
  assert.deepEqual(codes, [
    'purpose_required',
    'view_not_granted',
    'token_not_found',
    'invalid_request',
  ]);
  assert.deepEqual(
    newEvents()
      .map(({ outcome, reason = 'none' }) => `${outcome} ${reason}`)
      .sort(),
    [
      'allow none',
      'deny purpose_required',
      'deny token_not_found',
      'deny view_not_granted',
      'error invalid_request',
    ],
  );
});

test('a stream that can hold nothing but refusals is refused on record, before a line is read', async () => {
  const { operations, audit } = makeTestOperations();
  const unread = {
    [Symbol.asyncIterator]: (): never => {
      throw new Error('read');
    },
  };
  const cases = [
    [callAs('nobody'), 'vault_not_found'],
    [{ ...app, vault: 'other' }, 'vault_not_found'],
    [callAs('auditor'), 'forbidden'],
  ] as const;
  for (const [call, code] of cases) {
    const failure = await failureOf(operations.tokenizeStream(call, unread));
    assert.equal(failure.code, code);
    assert.equal(failure.auditEventId, audit.events.at(-1)?.id);
    assert.equal(audit.events.at(-1)?.operation, 'tokenize');
  }
});

test('a grant that bounds the items of a call allows no stream', async () => {
  const bounded = readFileSync(DEMO_POLICY, 'utf8').replace(
    'require: { purpose: true }',
    'require: { purpose: true, maxItems: 50 }',
  );
  const { operations, ada, ask } = await withNames(bounded);
  assert.equal((await operations.detokenize(support, ask(ada).input)).output.value, 'A. L.');
  const failure = await failureOf(operations.detokenizeStream(support, sourceOf([ask(ada)])));
  assert.equal(failure.code, 'forbidden');
});

test('an empty stream is on record with no items', async () => {
  const { operations, audit } = makeTestOperations();
  const answer = await operations.tokenizeStream(app, sourceOf());
  assert.deepEqual(await linesOf(answer), []);
  assert.deepEqual(
    audit.events.map(({ id, outcome, items }) => ({ id, outcome, items })),
    [{ id: answer.receipt.eventId, outcome: 'allow', items: 0 }],
  );
});

test('without a durable event there is no answer, and later no value', async () => {
  const { operations, audit, ada, ask } = await withNames();
  audit.setAvailable(false);
  const refused = operations.detokenizeStream(support, sourceOf([ask(ada)]));
  assert.equal((await failureOf(refused)).code, 'audit_unavailable');
  audit.setAvailable(true);
  const answer = await operations.detokenizeStream(
    support,
    (async function* () {
      const before = audit.events.length;
      yield [ask(ada)];
      while (audit.events.length === before) await new Promise(setImmediate);
      audit.setAvailable(false);
      yield [ask(ada), malformed, ask(ada)];
    })(),
  );
  const [first, ...rest] = await linesOf(answer);
  assert.equal(Reflect.get(Object(first), 'value'), 'A. L.');
  assert.deepEqual(rest, ['audit_unavailable', 'audit_unavailable', 'audit_unavailable']);
});

test('a window leaves when its events are durable, and not before', async () => {
  const { deps, audit } = makeTestOperations();
  const commit = Promise.withResolvers<void>();
  const stream = makeTokenizeStream({
    ...deps,
    audit: {
      append: async (event) => {
        await commit.promise;
        return audit.append(event);
      },
    },
  });
  let isAnswered = false;
  const answer = stream(app, sourceOf([ofName('Ada')])).finally(() => {
    isAnswered = true;
  });
  for (let turn = 0; turn < 50; turn += 1) await new Promise(setImmediate);
  assert.equal(isAnswered, false);
  commit.resolve();
  assert.equal((await linesOf(await answer)).length, 1);
});

test('what was begun for a client that goes away is on record', async () => {
  const { deps, audit, ada, ask, newEvents } = await withNames();
  let read = 0;
  const answer = await makeDetokenizeStream(deps)(
    support,
    (async function* () {
      for (;;) {
        read += 1;
        yield [ask(ada)];
      }
    })(),
  );
  for await (const _ of answer.output) break;
  const begun = newEvents().length;
  assert.equal(begun >= 1 && read - begun <= 1, true, `${read} ${begun}`);
  for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
  assert.equal(newEvents().length, begun);
  assert.equal(audit.events.at(-1)?.outcome, 'allow');
});

test('a right that ends while a stream goes on ends for its next window', async () => {
  const { deps, audit, ada, ask } = await withNames();
  let isMember = true;
  const vaults = {
    ...deps.vaults,
    find: (name: string) => (isMember ? deps.vaults.find(name) : undefined),
  };
  const answer = await makeDetokenizeStream({ ...deps, vaults })(
    support,
    (async function* () {
      const before = audit.events.length;
      yield [ask(ada)];
      while (audit.events.length === before) await new Promise(setImmediate);
      isMember = false;
      yield [ask(ada)];
    })(),
  );
  assert.equal((await linesOf(answer)).at(-1), 'vault_not_found');
});
