import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openNote } from '../../src/tlog/note.ts';
import { TlogError } from '../../src/tlog/tlog-error.ts';
import { parseVerifierKey } from '../../src/tlog/verifier-key.ts';
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';
import { startTestService, type TestService } from '../helpers/service.ts';

let database: TestDatabase;
let service: TestService;
before(async () => {
  database = await createTestDatabase();
  service = await startTestService({ databaseUrl: database.serviceUrl });
});
after(async () => {
  await service?.close();
  await database?.drop();
});

let people = 0;
/** A person whom nobody has heard of. */
function newPerson(): string {
  people += 1;
  return `customer-${people}`;
}

async function tokenize(subject: string, field = 'name', value = 'Ada Lovelace'): Promise<string> {
  const { status, body, text } = await service.post('app', 'tokenize', { field, value, subject });
  assert.equal(status, 200, text);
  return body.token;
}

async function isLive(token: string): Promise<boolean> {
  const { status } = await service.post('supervisor', 'tokens/inspect', { token });
  assert.ok(status === 200 || status === 404);
  return status === 200;
}

async function erase(subject: string): Promise<{ erased: number; receipt: string }> {
  const { status, body, text } = await service.post('privacy', 'subjects/erase', { subject });
  assert.equal(status, 200, text);
  return body;
}

const exported = async (subject: string) =>
  (await service.post('privacy', 'subjects/export', { subject })).body.fields;

test('a shared e-mail survives the erasure of one of its two people, and is gone with the second', async () => {
  const [first, second] = [newPerson(), newPerson()];
  const email = await tokenize(first, 'email', 'family@example.com');
  assert.equal(await tokenize(second, 'email', 'family@example.com'), email);
  const names = [await tokenize(first), await tokenize(second)];
  assert.equal((await erase(first)).erased, 1);
  assert.deepEqual(await Promise.all([email, ...names].map(isLive)), [true, false, true]);
  assert.deepEqual(await exported(first), {});
  assert.equal((await exported(second)).email[0].value, 'family@example.com');
  assert.equal((await erase(second)).erased, 2);
  assert.deepEqual(await Promise.all([email, ...names].map(isLive)), [false, false, false]);
  const lookup = { field: 'email', value: 'family@example.com' };
  assert.equal((await service.post('app', 'lookup', lookup)).status, 404);
});

test('a receipt verifies with the key that everybody may read, and not when it was altered', async () => {
  const subject = newPerson();
  await tokenize(subject);
  const { receipt } = await erase(subject);
  const answer = await fetch(`${service.http}/v1/audit/erasures/vkey`);
  assert.equal(answer.headers.get('content-type'), 'text/plain; charset=utf-8');
  const verifier = parseVerifierKey((await answer.text()).trim());
  const { text } = openNote(receipt, [verifier]);
  assert.match(text, /^log\.test\/audit\/erasures\nvault demo\nperson \S{44}\ntokens 1\ntime /);
  for (const [part, other] of [
    ['vault demo', 'vault Demo'],
    ['tokens 1', 'tokens 2'],
    ['time 2', 'time 3'],
  ] as const) {
    assert.throws(() => openNote(receipt.replace(part, other), [verifier]), TlogError);
  }
});

test('the receipt names the event, and the event was there first', async () => {
  const { status, body } = await service.post('privacy', 'subjects/erase', {
    subject: newPerson(),
  });
  assert.equal(status, 200);
  const id = /^event (.*)$/m.exec(body.receipt)?.[1];
  const deadline = Date.now() + 30_000;
  for (;;) {
    const response = await fetch(`${service.http}/v1/audit/events/${id}`, {
      headers: { authorization: `Bearer ${service.tokenFor('auditor')}` },
    });
    if (response.status === 200) {
      const event = (await response.json()) as { action: string; outcome: string };
      assert.deepEqual([event.action, event.outcome], ['subject.erase', 'allow']);
      break;
    }
    assert.ok(Date.now() < deadline, `the event is not found: ${response.status}`);
  }
});

test('the answer to an idempotent call ends with its person', async () => {
  const subject = newPerson();
  const send = async () => {
    const response = await fetch(`${service.http}/v1/vaults/demo/tokenize`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${service.tokenFor('app')}`,
        'content-type': 'application/json',
        'idempotency-key': subject,
      },
      body: JSON.stringify({ field: 'name', value: 'Ada', subject }),
    });
    assert.equal(response.status, 200);
    return ((await response.json()) as { token: string }).token;
  };
  const token = await send();
  assert.equal(await send(), token);
  await erase(subject);
  assert.notEqual(await send(), token);
});

test('persons whom nobody knows are erased alike', async () => {
  const known = newPerson();
  await tokenize(known);
  const answers = [await erase(known), await erase(newPerson())];
  assert.deepEqual(
    answers.map(({ erased }) => erased),
    [1, 0],
  );
  const [one, other] = answers.map(({ receipt }) => receipt.length);
  assert.equal(one, other);
});

test('what is tokenized while a person is erased belongs to a new person, or is gone', async () => {
  const subject = newPerson();
  const tokens: { token: string; ackedAt: number }[] = [];
  let isOver = false;
  const write = async () => {
    while (!isOver) {
      const token = await tokenize(subject);
      tokens.push({ token, ackedAt: performance.now() });
    }
  };
  const writers = Array.from({ length: 4 }, write);
  for (let round = 0; round < 5; round += 1) {
    const askedAt = performance.now();
    await erase(subject);
    const before = tokens.filter(({ ackedAt }) => ackedAt < askedAt).slice(-20);
    assert.deepEqual(
      await Promise.all(before.map(({ token }) => isLive(token))),
      before.map(() => false),
    );
  }
  isOver = true;
  await Promise.all(writers);
  const held = ((await exported(subject)).name ?? []) as { token: string; value: string }[];
  const live = new Set(held.map(({ token }) => token));
  for (const { token } of tokens.slice(-50)) assert.equal(await isLive(token), live.has(token));
  assert.ok(held.every(({ value }) => value === 'Ada Lovelace'));
  await erase(subject);
  assert.deepEqual(await exported(subject), {});
  for (const { token } of tokens.slice(-50)) assert.equal(await isLive(token), false);
});
