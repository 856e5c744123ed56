import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { prefersIntegrated } from '../../src/api/http/prefer.ts';
import { failing, GOOD_BODY, makeFakeService, TOKENIZE } from './fake-service.ts';

const waits: string[] = [];
let published = true;
const service = makeFakeService({
  operations: {
    auditPublished: async () => {
      waits.push('waited');
      return published;
    },
    detokenize: failing('token_not_found', 'event-refused'),
    revoke: failing('audit_unavailable'),
  },
});
after(() => service.app.close());

const PREFER = { prefer: 'audit=integrated' };

/** What an answer says of the preference. */
const said = ({ headers }: { headers: Record<string, unknown> }) => [
  headers['audit-receipt-url'],
  headers['preference-applied'],
];

test('with the preference the answer leaves when its event is published, and names the receipt', async () => {
  waits.length = 0;
  const reply = await service.post(TOKENIZE, GOOD_BODY, PREFER);
  assert.deepEqual(waits, ['waited']);
  assert.deepEqual(said(reply), ['/v1/audit/events/event-tokenize/receipt', 'audit=integrated']);
  assert.deepEqual(reply.json(), { token: 'tok_1' });
});

test('refusals that have an event are waited for as well', async () => {
  const refused = await service.post('/v1/vaults/demo/detokenize', { token: 't' }, PREFER);
  assert.equal(refused.statusCode, 404);
  assert.deepEqual(said(refused), ['/v1/audit/events/event-refused/receipt', 'audit=integrated']);
  const malformed = await service.post(TOKENIZE, '{', PREFER);
  assert.equal(malformed.statusCode, 400);
  assert.deepEqual(said(malformed), ['/v1/audit/events/event-reject/receipt', 'audit=integrated']);
});

test('what has no event is not waited for', async () => {
  waits.length = 0;
  const url = '/v1/vaults/demo/tokens/revoke';
  const unrecorded = await service.post(url, { tokens: ['t'] }, PREFER);
  assert.equal(unrecorded.json().code, 'audit_unavailable');
  const stranger = await service.post(TOKENIZE, GOOD_BODY, {
    ...PREFER,
    authorization: 'Bearer x',
  });
  assert.equal(stranger.statusCode, 401);
  assert.deepEqual([...said(unrecorded), ...said(stranger)], Array(4).fill(undefined));
  assert.deepEqual(waits, []);
});

test('when the log takes too long the answer leaves as ever', async (t) => {
  t.after(() => {
    published = true;
  });
  published = false;
  const reply = await service.post(TOKENIZE, GOOD_BODY, PREFER);
  assert.equal(reply.statusCode, 200);
  assert.deepEqual(said(reply), [undefined, undefined]);
  assert.equal(reply.headers['audit-event-id'], 'event-tokenize');
});

test('without the preference nobody waits', async () => {
  waits.length = 0;
  await service.post(TOKENIZE, GOOD_BODY);
  await service.post(TOKENIZE, GOOD_BODY, { prefer: 'respond-async, wait=10' });
  assert.deepEqual(waits, []);
});

test('preferences are read as RFC 7240 writes them', () => {
  for (const header of [
    'audit=integrated',
    'AUDIT=integrated',
    'audit="integrated"',
    ' audit = integrated ',
    'audit=integrated; x=1',
    'respond-async, audit=integrated',
    'respond-async;audit=witnessed, audit=integrated',
    'audit=integrated, audit=witnessed',
    ['wait=1', 'audit=integrated'],
  ]) {
    assert.equal(prefersIntegrated(header), true, String(header));
  }
  for (const header of [
    undefined,
    '',
    ',;=',
    'audit',
    'audit=',
    'audit=witnessed',
    'audit=integrated2',
    'audit=INTEGRATED',
    'xaudit=integrated',
    'audit=witnessed, audit=integrated',
    'wait;audit=integrated',
    'audit="integrated',
    '='.repeat(16_000),
  ]) {
    assert.equal(prefersIntegrated(header), false, String(header));
  }
});
