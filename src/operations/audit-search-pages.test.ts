import assert from 'node:assert/strict';
import { test } from 'node:test';
import { auditorOf, makeStory } from '../../test/helpers/audit-story.ts';
import { failureOf } from '../../test/helpers/operations.ts';
import type { AuditSearchInput } from './audit-operations.ts';

const auditor = auditorOf('auditor');

/** Thirty more reads of one token. */
async function makeLongStory() {
  const story = await makeStory();
  const token = story.tokens['alpha'] ?? '';
  for (let count = 0; count < 30; count += 1) {
    await story.operations.detokenize(story.as('desk', `tom-${count}`, 'alpha'), { token });
  }
  return { ...story, token };
}

test('pages continue where the one before ended: every event once, in order, none twice', async () => {
  const { operations, token } = await makeLongStory();
  for (const limit of [1, 7, 10, 31, 32, 33, 1000]) {
    const indexes: number[] = [];
    let cursor: string | undefined;
    do {
      const input: AuditSearchInput = { token, limit, cursor };
      const { output } = await operations.auditSearch(auditor, input);
      assert.equal(output.events.length <= limit, true);
      indexes.push(...output.events.map(({ index }) => index));
      cursor = output.cursor;
    } while (cursor !== undefined);
    assert.equal(indexes.length, 32);
    assert.deepEqual(
      indexes,
      [...new Set(indexes)].sort((a, b) => b - a),
    );
  }
});

test('events that come in between pages do not disturb them', async () => {
  const { operations, token, as } = await makeLongStory();
  const first = await operations.auditSearch(auditor, { token, limit: 10 });
  await operations.detokenize(as('desk', 'late', 'alpha'), { token });
  const { cursor } = first.output;
  const second = await operations.auditSearch(auditor, { token, limit: 10, cursor });
  const [last, next] = [first.output.events.at(-1)?.index, second.output.events[0]?.index];
  assert.equal((last ?? 0) - 1, next);
});

test('a page has a cost, and ends with a cursor when it has reached it', async () => {
  const { operations, deps, token } = await makeLongStory();
  const { search } = deps.reader;
  // An index that offers what does not match, one by one, without an end.
  deps.reader.search = async (query) => {
    const page = await search({ ...query, termGroups: [], facetGroups: [], limit: 1 });
    return { events: page.events, next: { logId: 1, index: 10_000 } };
  };
  const { output } = await operations.auditSearch(auditor, { token, actor: 'nobody' });
  assert.deepEqual(output.events, []);
  assert.notEqual(output.cursor, undefined);
});

test('a cursor says nothing, and any change to it is refused', async () => {
  const { operations, token } = await makeLongStory();
  const { output } = await operations.auditSearch(auditor, { token, limit: 2 });
  const cursor = output.cursor ?? '';
  const again = await operations.auditSearch(auditor, { token, limit: 2 });
  assert.notEqual(again.output.cursor, cursor);
  const swap = (at: number) =>
    `${cursor.slice(0, at)}${cursor[at] === 'A' ? 'B' : 'A'}${cursor.slice(at + 1)}`;
  const forged = [
    ...Array.from({ length: cursor.length }, (_, at) => swap(at)),
    '',
    'x',
    '../..',
    '{"logId":1,"index":5}',
    Buffer.from('{"logId":1,"index":5}').toString('base64url'),
    `${cursor}A`,
    `${cursor}=`,
    `${cursor}!`,
    cursor.slice(0, -1),
    cursor.repeat(50),
  ];
  for (const one of forged) {
    const failure = await failureOf(operations.auditSearch(auditor, { token, cursor: one }));
    assert.equal(failure.code, 'invalid_request', one);
    assert.equal(failure.problems[0]?.path, '/cursor');
  }
});

test('a cursor continues its own search only: same filter, same caller', async () => {
  const { operations, token } = await makeLongStory();
  const asked = { vault: 'alpha', token, limit: 2 };
  const { cursor } = (await operations.auditSearch(auditor, asked)).output;
  const fails = async (input: AuditSearchInput, caller = auditor) =>
    (await failureOf(operations.auditSearch(caller, { ...input, cursor }))).problems[0]?.path;
  assert.equal(await fails({ ...asked, vault: 'beta' }), '/cursor');
  assert.equal(await fails({ ...asked, actor: 'tom' }), '/cursor');
  assert.equal(await fails({ ...asked, outcome: 'deny' }), '/cursor');
  assert.equal(await fails(asked, auditorOf('auditor', { subject: 'somebody-else' })), '/cursor');
  assert.equal(
    await fails(asked, auditorOf('auditor', { issuer: 'https://other.test' })),
    '/cursor',
  );
  // The size of a page is no part of the question.
  await operations.auditSearch(auditor, { ...asked, limit: 3, cursor });
});

test('whoever has lost the right has no use for a cursor', async () => {
  const { operations, token } = await makeLongStory();
  const { cursor } = (await operations.auditSearch(auditor, { token, limit: 2 })).output;
  const lost = auditorOf('app', { subject: auditor.principal.subject });
  assert.equal(
    (await failureOf(operations.auditSearch(lost, { token, cursor }))).code,
    'forbidden',
  );
});
