import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Result } from './result.ts';
import { measured, resultOf, roundAt } from './result-of-tests.ts';
import { judge } from './targets.ts';

const verdictOf = (result: Result, name: string) =>
  judge(result).find((verdict) => verdict.name === name);

const FLOOR = measured('single', 'floor', [900, 1_000, 1_100]);

test('a ratio is that of the medians, and the bound itself is enough', () => {
  const warm = measured('single', 'warm', [1, 350, 9_999]);
  const verdict = verdictOf(resultOf([FLOOR, warm]), 'warm');
  assert.equal(verdict?.value, 0.35);
  assert.equal(verdict?.isMet, true);
});

test('what falls short is told, and what was not measured is neither met nor missed', () => {
  const result = resultOf([FLOOR, measured('single', 'new', [219, 219, 219])]);
  assert.equal(verdictOf(result, 'new')?.isMet, false);
  assert.equal(verdictOf(result, 'known')?.isMet, undefined);
  assert.equal(verdictOf(result, 'sustained')?.isMet, undefined);
});

test('figures of other connections are not taken for those of 64', () => {
  const warm = measured('single', 'warm', [900], { connections: 16 });
  assert.equal(verdictOf(resultOf([FLOOR, warm]), 'warm')?.value, undefined);
});

test('the audit costs what is missing to the throughput without it', () => {
  const measurements = [
    measured('single', 'warm', [500]),
    measured('single', 'unaudited', [1_000]),
  ];
  const verdict = verdictOf(resultOf(measurements), 'audit');
  assert.equal(verdict?.value, 0.5);
  assert.equal(verdict?.isMet, false);
});

test('where audit was not switched off, or nothing was answered, its cost is not within bounds', () => {
  const commits = { perSecond: 100, events: 5, p50Ms: 5, p99Ms: 10 };
  const stillAudited = resultOf([
    measured('single', 'warm', [990]),
    measured('single', 'unaudited', [], { rounds: [roundAt(1_000, { commits })] }),
  ]);
  assert.equal(verdictOf(stillAudited, 'audit')?.value, undefined);
  const dead = resultOf([
    measured('single', 'warm', [0]),
    measured('single', 'unaudited', [1_000]),
  ]);
  assert.equal(verdictOf(dead, 'audit')?.isMet, false);
});

test('beside a floor that did nothing no target is met', () => {
  const dead = measured('single', 'floor', [0]);
  const verdict = verdictOf(resultOf([dead, measured('single', 'warm', [900])]), 'warm');
  assert.equal(verdict?.value, undefined);
  assert.equal(verdict?.isMet, undefined);
});

test('with a million stored tokens the target of ten million can be missed, and not met', () => {
  const withSpeed = (speed: number) =>
    resultOf([
      measured('stored', 'detokenize-100000', [1_000]),
      measured('stored', 'detokenize-1000000', [speed]),
    ]);
  assert.equal(verdictOf(withSpeed(990), 'stored')?.value, 0.99);
  assert.equal(verdictOf(withSpeed(990), 'stored')?.isMet, undefined);
  assert.equal(verdictOf(withSpeed(700), 'stored')?.isMet, false);
});

test('of stored tokens the fewest are compared with the most, and the worse call counts', () => {
  const result = resultOf([
    measured('stored', 'detokenize-100000', [1_000]),
    measured('stored', 'tokenize-100000', [1_000]),
    measured('stored', 'detokenize-1000000', [990]),
    measured('stored', 'tokenize-1000000', [900]),
    measured('stored', 'detokenize-10000000', [950]),
    measured('stored', 'tokenize-10000000', [790]),
  ]);
  const verdict = verdictOf(result, 'stored');
  assert.equal(verdict?.value, 0.79);
  assert.equal(verdict?.isMet, false);
});

const sustainedWith = (rssAt: (second: number) => number, backlogSeconds = 0.5): Result =>
  resultOf([], {
    sustained: {
      minutes: 10,
      perSecond: 400,
      floorPerSecond: 1_000,
      latencyMs: { p50: 1, p99: 2, p999: 3 },
      failed: 0,
      samples: Array.from({ length: 600 }, (_, second) => ({
        second,
        rssMib: rssAt(second),
        backlogSeconds,
      })),
    },
  });

test('memory that fills at first has not grown; memory that goes on growing has', () => {
  const filling = sustainedWith((second) => Math.min(200, 100 + second));
  assert.equal(verdictOf(filling, 'growth')?.isMet, true);
  const leaking = sustainedWith((second) => 150 + second / 10);
  assert.equal(verdictOf(leaking, 'growth')?.isMet, false);
});

test('one second of too much memory, or of too old a backlog, is enough to fail', () => {
  const peak = sustainedWith((second) => (second === 300 ? 300 : 200));
  assert.equal(verdictOf(peak, 'memory')?.isMet, false);
  assert.equal(
    verdictOf(
      sustainedWith(() => 200, 5.5),
      'backlog',
    )?.isMet,
    false,
  );
  assert.equal(
    verdictOf(
      sustainedWith(() => 200),
      'sustained',
    )?.isMet,
    true,
  );
});

test('a load of a minute proves nothing about ten', () => {
  const { sustained, ...rest } = sustainedWith(() => 200);
  if (sustained === undefined) throw new Error('nothing sustained');
  const short = { ...rest, sustained: { ...sustained, minutes: 1 } };
  for (const name of ['sustained', 'backlog', 'growth']) {
    const verdict = verdictOf(short, name);
    assert.notEqual(verdict?.value, undefined);
    assert.equal(verdict?.isMet, undefined);
  }
});

/** A run whose overload answered 900 a second of so many that were sent; the peak is 1,000. */
function overloadOf(sentPerSecond: number, answered = 900) {
  const over = { latencyMs: { p50: 1, p99: 5, p999: 9 }, sentPerSecond };
  const rounds = [roundAt(answered, over)];
  return resultOf(
    [
      measured('overload', 'peak', [1_000]),
      measured('overload', 'tripled', [], { rounds, connections: 4_096 }),
    ],
    { recoverySeconds: 12 },
  );
}

test('under an overload goodput and latency are told beside those of the peak', () => {
  const result = overloadOf(3_000);
  assert.equal(verdictOf(result, 'goodput')?.isMet, true);
  assert.equal(verdictOf(result, 'overload-latency')?.value, 2.5);
  assert.equal(verdictOf(result, 'overload-latency')?.isMet, false);
  assert.equal(verdictOf(result, 'recovery')?.isMet, false);
});

test('an overload of which nothing was answered has no latency, and misses its goodput', () => {
  const result = overloadOf(3_000, 0);
  assert.equal(verdictOf(result, 'goodput')?.isMet, false);
  assert.equal(verdictOf(result, 'overload-latency')?.value, undefined);
});
