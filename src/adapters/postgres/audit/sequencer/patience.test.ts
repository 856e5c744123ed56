import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makePatience } from './patience.ts';

const make = () => {
  let nowMs = 0;
  const patience = makePatience({ monotonic: () => nowMs });
  return {
    patience,
    ask: (atMs: number) => {
      nowMs = atMs;
      return patience.isOver('it', 100);
    },
  };
};

test('is over when it was so at every pass for the whole time', () => {
  const { patience, ask } = make();
  assert.equal(ask(0), false);
  patience.endPass();
  assert.equal(ask(99), false);
  patience.endPass();
  assert.equal(ask(100), true);
});

test('begins anew after a pass in which it was not so, and after a while without a look', () => {
  const { patience, ask } = make();
  ask(0);
  patience.endPass();
  patience.endPass();
  assert.equal(ask(100), false);
  patience.reset();
  assert.equal(ask(300), false);
  assert.equal(ask(400), true);
});
