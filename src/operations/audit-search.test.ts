import assert from 'node:assert/strict';
import { test } from 'node:test';
import { auditorOf, makeStory } from '../../test/helpers/audit-story.ts';
import { failureOf } from '../../test/helpers/operations.ts';
import type { AuditSearchInput } from './audit-operations.ts';

const auditor = auditorOf('auditor');

/** What a search finds, as `vault action actor`. */
async function find(
  story: Awaited<ReturnType<typeof makeStory>>,
  input: AuditSearchInput,
  caller = auditor,
) {
  const { output } = await story.operations.auditSearch(caller, input);
  return output.events.map(({ vault, action, actor }) => `${vault} ${action} ${actor?.subject}`);
}

test('who saw this token: its events in all readable vaults, newest first', async () => {
  const story = await makeStory();
  assert.deepEqual(await find(story, { token: story.tokens['alpha'] ?? '' }), [
    'alpha detokenize tom',
    'alpha tokenize mia',
  ]);
});

test('an event is shown with everything that it says', async () => {
  const story = await makeStory();
  const { output } = await story.operations.auditSearch(auditor, {
    vault: 'alpha',
    action: 'detokenize',
  });
  assert.deepEqual(output.events, [
    {
      id: story.reads['alpha'],
      index: 1,
      shard: '2026',
      time: '2026-01-15T12:00:00.000Z',
      action: 'detokenize',
      outcome: 'allow',
      status: 200,
      vault: 'alpha',
      policy: '1:test',
      items: 1,
      actor: { subject: 'tom', issuer: 'https://issuer.test', credential: 'jwt:test', mfa: false },
      source: { ip: '127.0.0.1' },
      tokens: [story.tokens['alpha']],
      fields: ['name'],
      view: 'short',
      purpose: 'care',
      reference: 'C-7',
      requestId: 'request-1',
    },
  ]);
  assert.equal(output.cursor, undefined);
});

test('each criterion alone finds what it names, and nothing beside it in the same segment', async () => {
  const story = await makeStory();
  const read = ['beta detokenize tom', 'alpha detokenize tom'];
  assert.deepEqual(await find(story, { actor: 'tom' }), read);
  assert.deepEqual(await find(story, { actor: 'to' }), []);
  assert.deepEqual(await find(story, { purpose: 'care' }), read);
  assert.deepEqual(await find(story, { purpose: 'billing' }), []);
  assert.deepEqual(await find(story, { reference: 'C-7' }), read);
  assert.deepEqual(await find(story, { action: 'detokenize' }), read);
  assert.deepEqual(await find(story, { vault: 'beta', outcome: 'allow', actor: 'tom' }), [
    'beta detokenize tom',
  ]);
  assert.deepEqual(await find(story, { action: 'detokenize', outcome: 'deny' }), []);
  assert.deepEqual(await find(story, { actor: 'tom', reference: 'C-8' }), []);
});

test('of a person, events about live tokens are found in the vault that is named', async () => {
  const story = await makeStory();
  const asked = { vault: 'alpha', subject: 'person-1' };
  assert.deepEqual(await find(story, asked), ['alpha detokenize tom', 'alpha tokenize mia']);
  assert.deepEqual(await find(story, { ...asked, actor: 'tom' }), ['alpha detokenize tom']);
  assert.deepEqual(await find(story, { ...asked, subject: 'person-2' }), []);
  const token = story.tokens['alpha'] ?? '';
  await story.operations.revoke(story.as('app', 'mia', 'alpha'), { tokens: [token] });
  assert.deepEqual(await find(story, asked), []);
  const failure = await failureOf(story.operations.auditSearch(auditor, { subject: 'person-1' }));
  assert.deepEqual(failure.problems, [{ path: '/subject', rule: 'needs_vault' }]);
});

test('time is an interval, closed at its start and open at its end', async () => {
  const story = await makeStory();
  const at = (time: string) => `2026-01-15T${time}Z`;
  const vault = 'alpha';
  const count = async (period: object) =>
    (await find(story, { vault, action: 'detokenize', ...period })).length;
  assert.equal(await count({ from: at('12:00:00') }), 1);
  assert.equal(await count({ from: at('12:00:00.001') }), 0);
  assert.equal(await count({ to: at('12:00:00') }), 0);
  assert.equal(await count({ to: at('12:00:00.001') }), 1);
  assert.equal(await count({ from: '2026-01-15T13:00:00+01:00' }), 1);
  assert.equal(await count({ to: '2025-12-31T23:59:59Z', actor: 'tom' }), 0);
  for (const [period, path] of [
    [{ from: '2026-02-30T00:00:00Z' }, '/from'],
    [{ to: '2026-02-30T00:00:00Z' }, '/to'],
    [{ from: at('12:00:01'), to: at('12:00:00') }, '/to'],
  ] as const) {
    const failure = await failureOf(story.operations.auditSearch(auditor, period));
    assert.equal(failure.code, 'invalid_request');
    assert.equal(failure.problems[0]?.path, path);
  }
});

test('terms of another month are found as well', async () => {
  const story = await makeStory();
  story.advance(40 * 86_400_000);
  await story.operations.detokenize(story.as('desk', 'tom', 'alpha'), {
    token: story.tokens['alpha'] ?? '',
  });
  assert.equal((await find(story, { vault: 'alpha', actor: 'tom' })).length, 2);
  const since = { vault: 'alpha', actor: 'tom', from: '2026-02-01T00:00:00Z' };
  assert.equal((await find(story, since)).length, 1);
});

test('what was erased is not found by what it said, and shown without it', async () => {
  const story = await makeStory();
  const id = story.reads['alpha'] ?? '';
  story.log.erase(id, 'who');
  assert.deepEqual(await find(story, { actor: 'tom' }), ['beta detokenize tom']);
  const { output } = await story.operations.auditSearch(auditor, {
    reference: 'C-7',
    vault: 'alpha',
  });
  assert.deepEqual(output.events[0]?.erased, ['who']);
  assert.equal(output.events[0]?.actor, undefined);
  story.log.erase(id, 'what');
  assert.deepEqual(await find(story, { reference: 'C-7' }), ['beta detokenize tom']);
  assert.deepEqual(await find(story, { token: story.tokens['alpha'] ?? '' }), [
    'alpha tokenize mia',
  ]);
});

test('a caller finds its own vault only, also where the index neighbours another one', async () => {
  const story = await makeStory();
  const alpha = auditorOf('alpha-auditor');
  for (const filter of [
    {},
    { actor: 'tom' },
    { token: story.tokens['beta'] ?? '' },
    { reference: 'C-7' },
  ]) {
    const found = await find(story, filter, alpha);
    assert.equal(
      found.every((event) => event.startsWith('alpha ')),
      true,
    );
  }
  assert.equal((await find(story, { actor: 'tom' }, alpha)).length, 1);
  // Searches belong to no vault: only those who read everything see them.
  assert.deepEqual(await find(story, { action: 'audit.search' }, alpha), []);
  assert.notDeepEqual(await find(story, { action: 'audit.search' }), []);
});

test('refusals: nowhere a right, none in this vault, no such vault; all on record', async () => {
  const story = await makeStory();
  const alpha = auditorOf('alpha-auditor');
  const cases = [
    [auditorOf('app'), {}, 'forbidden'],
    [auditorOf('nobody'), {}, 'forbidden'],
    [auditorOf('app'), { vault: 'alpha' }, 'forbidden'],
    [alpha, { vault: 'beta' }, 'vault_not_found'],
    [alpha, { vault: 'gone' }, 'vault_not_found'],
  ] as const;
  for (const [caller, input, code] of cases) {
    const failure = await failureOf(story.operations.auditSearch(caller, input));
    assert.equal(failure.code, code);
    const event = story.audit.events.at(-1);
    assert.equal(failure.auditEventId, event?.id);
    assert.equal(event?.operation, 'audit.search');
    assert.equal(event?.reason, code);
    assert.equal(event?.outcome, 'deny');
  }
});
