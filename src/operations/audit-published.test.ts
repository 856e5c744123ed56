import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeAuditPublished } from './audit-published.ts';

test('so many wait for their receipts and no more; those who are done make room', async () => {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const wait = makeAuditPublished({ progress: { reached: () => promise } });
  const waiting = Array.from({ length: 256 }, wait);
  assert.equal(await wait(), false, 'at once');
  resolve(true);
  assert.ok((await Promise.all(waiting)).every((isPublished) => isPublished));
  assert.equal(await wait(), true);
});
