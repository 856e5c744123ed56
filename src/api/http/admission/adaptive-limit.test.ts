import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { makeAdaptiveLimit } from './adaptive-limit.ts';

const OPTIONS = { least: 100, most: 1000, targetMs: 50 };

/** A limit of a server that is warm. */
function makeWarm(options = OPTIONS) {
  const limit = makeAdaptiveLimit(options);
  for (let window = 0; window < 60; window += 1) limit.turn({ peak: 0, lagMs: 0 });
  return {
    ...limit,
    /** Windows in which answers took at least `ms`. */
    pass(
      windows: number,
      { ms, peak = 1000, lagMs = 0 }: { ms?: number; peak?: number; lagMs?: number },
    ) {
      for (let window = 0; window < windows; window += 1) {
        for (const more of ms === undefined ? [] : [900, 0, 30]) limit.answered((ms ?? 0) + more);
        limit.turn({ peak: Math.min(peak, limit.current()), lagMs });
      }
      return limit.current();
    },
  };
}

test('a queue that stays lowers the limit, down to the least and no further', () => {
  const limit = makeWarm();
  const start = limit.current();
  const once = limit.pass(2, { ms: 200 });
  assert.ok(once < start);
  assert.equal(limit.pass(100, { ms: 200 }), 100);
});

test('one slow window lowers nothing: a pause of the collector is no queue', () => {
  const limit = makeWarm();
  const start = limit.current();
  for (let round = 0; round < 20; round += 1) {
    limit.pass(1, { ms: 400, peak: 100 });
    limit.pass(1, { ms: 5, peak: 100 });
  }
  assert.equal(limit.current(), start);
});

test('one quick answer in a window proves that nothing queues, however slow the others are', () => {
  const limit = makeWarm();
  const start = limit.current();
  assert.ok(limit.pass(20, { ms: 10 }) >= start);
});

test('a late event loop counts as a queue: what waits in sockets waits as well', () => {
  const limit = makeWarm();
  assert.equal(limit.pass(100, { ms: 1, lagMs: 80 }), 100);
});

test('an answer that is quicker than its size explains does not hide a late event loop', () => {
  const limit = makeWarm();
  assert.equal(limit.pass(100, { ms: -200, lagMs: 80 }), 100);
});

test('fewer than the least at work lower nothing, however slow: that is no queue of ours', () => {
  const limit = makeWarm();
  const start = limit.current();
  assert.equal(limit.pass(50, { ms: 3000, peak: 99 }), start);
});

test('a start lowers nothing for five seconds', () => {
  const limit = makeAdaptiveLimit(OPTIONS);
  const start = limit.current();
  for (let window = 0; window < 50; window += 1) {
    limit.answered(500);
    limit.turn({ peak: start, lagMs: 100 });
  }
  assert.equal(limit.current(), start);
});

test('quick answers raise a limit that is used, and none that is not', () => {
  const limit = makeWarm();
  const start = limit.current();
  assert.equal(limit.pass(50, { ms: 5, peak: start / 2 }), start);
  assert.ok(limit.pass(5, { ms: 5 }) > start);
  assert.equal(limit.pass(200, { ms: 5 }), 1000);
});

test('after a spike the limit is what it was within ten seconds', () => {
  const limit = makeWarm();
  const start = limit.current();
  limit.pass(50, { ms: 500 });
  assert.ok(limit.pass(100, { ms: 10 }) >= start);
});

test('with nothing answered, as with the database away, the limit waits', () => {
  const limit = makeWarm();
  const start = limit.current();
  assert.equal(limit.pass(100, {}), start);
  assert.equal(limit.expectedMs(), 0);
});

test('it settles where the answers take as long as the target allows', () => {
  // A server of 4 answers a millisecond: work at once / 4 is the time of each.
  const limit = makeWarm();
  for (let window = 0; window < 300; window += 1) {
    const peak = limit.current();
    limit.answered(peak / 4);
    limit.turn({ peak, lagMs: 0 });
  }
  const ms = limit.current() / 4;
  assert.ok(ms > 30 && ms < 65, `${ms} ms`);
});

test('what an overload took comes back slowly when answers are quick and few, up to where it started', () => {
  const limit = makeWarm();
  const start = limit.current();
  assert.equal(limit.pass(100, { ms: 200 }), 100);
  assert.equal(limit.pass(40, { ms: 5, peak: 10 }), 140);
  assert.equal(limit.pass(500, { ms: 5, peak: 10 }), start);
});

test('whatever happens, the limit stays between its bounds', () => {
  const windows = fc.array(
    fc.record({
      ms: fc.option(fc.integer({ min: 0, max: 10_000 })),
      peak: fc.nat(5000),
      lagMs: fc.nat(5000),
    }),
    { maxLength: 200 },
  );
  fc.assert(
    fc.property(windows, fc.integer({ min: 1, max: 3000 }), (all, most) => {
      const limit = makeAdaptiveLimit({ ...OPTIONS, most });
      for (const { ms, peak, lagMs } of all) {
        if (ms !== null) limit.answered(ms);
        limit.turn({ peak, lagMs });
        assert.ok(limit.current() >= Math.min(100, most) && limit.current() <= most);
      }
    }),
  );
});
