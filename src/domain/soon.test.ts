import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settle, whenThere } from './soon.ts';

test('goes on at once with what is there', () => {
  assert.equal(
    whenThere(2, (n) => n + 1),
    3,
  );
  assert.throws(
    () =>
      whenThere(2, () => {
        throw new RangeError('now');
      }),
    RangeError,
  );
});

test('goes on with what is promised when it is there, and not when it fails', async () => {
  const order: string[] = [];
  const later = whenThere(Promise.resolve(2), async (n) => {
    order.push('then');
    return n + 1;
  });
  order.push('first');
  assert.equal(await later, 3);
  assert.deepEqual(order, ['first', 'then']);
  const failing = async () =>
    whenThere(Promise.reject(new RangeError('no')), () => order.push('x'));
  await assert.rejects(failing, RangeError);
  assert.deepEqual(order, ['first', 'then']);
});

test('tells how a result ended, at once where that is known, and never fails', async () => {
  assert.deepEqual(settle(2), { done: 2 });
  assert.deepEqual(await settle(Promise.resolve(2)), { done: 2 });
  const error = new RangeError('no');
  assert.deepEqual(await settle(Promise.reject(error)), { error });
});
