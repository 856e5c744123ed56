import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeTurns } from './turns.ts';

test('so many work at a time, the others in the order in which they came, also after a failure', async () => {
  const inTurn = makeTurns(2);
  const gates = Array.from({ length: 5 }, () => Promise.withResolvers<void>());
  const began: number[] = [];
  const work = gates.map(({ promise }, n) =>
    inTurn(() => {
      began.push(n);
      return promise;
    }).catch((error: Error) => error.message),
  );
  await Promise.resolve();
  assert.deepEqual(began, [0, 1]);
  gates[1]?.reject(new Error('failed'));
  assert.equal(await work[1], 'failed');
  assert.deepEqual(began, [0, 1, 2]);
  for (const gate of gates) gate.resolve();
  await Promise.all(work);
  assert.deepEqual(began, [0, 1, 2, 3, 4]);
});
