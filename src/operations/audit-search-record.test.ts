import assert from 'node:assert/strict';
import { test } from 'node:test';
import { auditorOf, makeStory } from '../../test/helpers/audit-story.ts';
import { failureOf } from '../../test/helpers/operations.ts';

const auditor = auditorOf('auditor');

test('a search is an event with its criteria, durable before the answer', async () => {
  const { operations, audit, tokens } = await makeStory();
  const token = tokens['alpha'] ?? '';
  const asked = { vault: 'alpha', token, action: 'detokenize', limit: 10 } as const;
  const { output, receipt } = await operations.auditSearch(auditor, asked);
  const event = audit.events.at(-1);
  assert.equal(event?.id, receipt.eventId);
  assert.equal(event?.operation, 'audit.search');
  assert.equal(event?.vault, 'alpha');
  assert.equal(event?.items, output.events.length);
  assert.equal(event?.what.tokens, undefined);
  assert.deepEqual(JSON.parse(JSON.stringify(event?.what.query)), {
    vault: 'alpha',
    action: 'detokenize',
    limit: 10,
    tokens: [token],
  });
  assert.equal(event?.who.actor?.subject, auditor.principal.subject);
});

test('without its event a search has no answer', async () => {
  const { operations, audit } = await makeStory();
  audit.setAvailable(false);
  const failure = await failureOf(operations.auditSearch(auditor, {}));
  assert.equal(failure.code, 'audit_unavailable');
});

test('persons, references and what is no token stand in the record as keyed digests', async () => {
  const { operations, audit } = await makeStory();
  const pan = '4111111111111111';
  await operations.auditSearch(auditor, {
    vault: 'alpha',
    token: pan,
    subject: 'person-1',
    actor: 'tom',
    reference: 'C-7',
    purpose: 'a pasted secret',
  });
  const query = audit.events.at(-1)?.what.query ?? {};
  const text = JSON.stringify(query);
  for (const secret of [pan, 'person-1', 'tom', 'C-7', 'a pasted secret']) {
    assert.equal(text.includes(secret), false, secret);
  }
  for (const name of ['actor', 'reference', 'purpose']) {
    assert.match(String(query[name]), /^term:[0-9a-f]{16}$/);
  }
  assert.match(String(query['tokens']), /^hmac:/);
  assert.match(String(query['subject']), /^hmac:/);
  await operations.auditSearch(auditor, { purpose: 'care' });
  assert.equal(audit.events.at(-1)?.what.query?.['purpose'], 'care');
});

test('a vault that is not the caller’s is not named in the record of the refusal', async () => {
  const { operations, audit } = await makeStory();
  const ask = { vault: 'beta', token: '4111111111111111', actor: 'tom' };
  await failureOf(operations.auditSearch(auditorOf('alpha-auditor'), ask));
  const event = audit.events.at(-1);
  assert.equal(event?.vault, undefined);
  assert.doesNotMatch(JSON.stringify(event?.what), /beta|4111|tom/);
});
