import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { callAs, makeTestOperations } from '../helpers/operations.ts';
import { makeFakeService } from './fake-service.ts';

const { operations, audit } = makeTestOperations();
const service = makeFakeService({
  operations,
  authenticate: async (authorization = '') =>
    callAs(authorization.slice('Bearer '.length)).principal,
});
after(() => service.app.close());

const post = (role: string, call: string, lines: readonly object[]) =>
  service.app.inject({
    method: 'POST',
    url: `/v1/vaults/demo/${call}`,
    headers: { authorization: `Bearer ${role}`, 'content-type': 'application/x-ndjson' },
    payload: lines.map((line) => `${JSON.stringify(line)}\n`).join(''),
  });

const answersOf = (body: string) =>
  body
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

test('what a stream swaps another one gives back, line by line, and both are on record', async () => {
  const names = ['Ada Lovelace', 'Grace Hopper', 'Edsger Dijkstra'];
  const tokenized = await post(
    'app',
    'tokenize/stream',
    names.map((value) => ({ field: 'name', value })),
  );
  assert.equal(tokenized.statusCode, 200);
  const tokens = answersOf(tokenized.body).map(({ token }) => String(token));
  const revealed = await post('support', 'detokenize/stream', [
    ...tokens.map((token) => ({ token, view: 'masked', purpose: 'support-ticket' })),
    { token: tokens[0], view: 'masked' },
    { token: tokens[0], view: 'full', purpose: 'support-ticket' },
  ]);
  const answers = answersOf(revealed.body);
  assert.deepEqual(
    answers.map(({ value, error }) => value ?? error.code),
    ['A. L.', 'G. H.', 'E. D.', 'purpose_required', 'view_not_granted'],
  );
  const events = audit.events.filter(({ what }) =>
    [tokenized, revealed].some(({ headers }) => what.requestId === headers['x-request-id']),
  );
  assert.deepEqual(
    events
      .map(({ operation, outcome, reason = 'none', items }) =>
        [operation, outcome, reason, items].join(' '),
      )
      .sort(),
    [
      'detokenize allow none 3',
      'detokenize deny purpose_required 1',
      'detokenize deny view_not_granted 1',
      'tokenize allow none 3',
    ],
  );
  assert.equal(
    events.some(({ id }) => id === revealed.headers['audit-event-id']),
    true,
  );
});

test('a stream on a vault that is none of the caller is answered like a single call', async () => {
  const line = { field: 'name', value: 'x' };
  const stream = await service.app.inject({
    method: 'POST',
    url: '/v1/vaults/nothing/tokenize/stream',
    headers: { authorization: 'Bearer app', 'content-type': 'application/x-ndjson' },
    payload: JSON.stringify(line),
  });
  const single = await service.post('/v1/vaults/nothing/tokenize', line, {
    authorization: 'Bearer app',
  });
  assert.equal(stream.statusCode, 404);
  assert.equal(stream.body, single.body);
});
