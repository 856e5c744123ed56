import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkContinues, emptyResult, joinResults, withOutcome } from './gather.ts';
import { resultOf } from './result-of-tests.ts';

const { commit, machine, versions, settings } = resultOf([]);
const { scenarios: _, ...common } = settings;
const conditions = { commit, machine, versions, settings: common };

test('a result grows by scenarios, and each note stands in it once', () => {
  const first = withOutcome(emptyResult(conditions), 'one', { measurements: [], notes: ['so'] });
  const both = withOutcome(first, 'two', { measurements: [], notes: ['so', 'and so'] });
  assert.deepEqual(both.settings.scenarios, ['one', 'two']);
  assert.deepEqual(both.notes, ['so', 'and so']);
});

test('what one scenario alone tells stays when others come', () => {
  const first = withOutcome(emptyResult(conditions), 'one', {
    measurements: [],
    recoverySeconds: 3,
  });
  assert.equal(withOutcome(first, 'two', { measurements: [] }).recoverySeconds, 3);
});

test('a result is gone on with under the same conditions', () => {
  const begun = withOutcome(emptyResult(conditions), 'one', { measurements: [] });
  assert.doesNotThrow(() => checkContinues(begun, conditions));
});

for (const [what, other] of [
  ['commit', { commit: 'another' }],
  ['machine', { machine: { ...machine, cores: machine.cores + 1 } }],
  ['versions', { versions: { ...versions, node: '0.0.1' } }],
  ['settings', { settings: { ...common, isQuick: !common.isQuick } }],
] as const) {
  test(`figures of another ${what} are no neighbours`, () => {
    const begun = emptyResult(conditions);
    assert.throws(() => checkContinues(begun, { ...conditions, ...other }), new RegExp(what));
  });
}

test('figures of a tree that is no commit cannot be gone on with: nobody knows which tree it was', () => {
  for (const changed of ['0123456789ab+', 'unknown']) {
    const same = { ...conditions, commit: changed };
    assert.throws(() => checkContinues(emptyResult(same), same), /no commit/);
  }
});

test('results of different scenarios are joined, those of another machine or the same scenario are not', () => {
  const one = withOutcome(emptyResult(conditions), 'one', { measurements: [], notes: ['so'] });
  const other = withOutcome(emptyResult({ ...conditions, commit: 'ab12' }), 'two', {
    measurements: [],
    recoverySeconds: 2,
  });
  const joined = joinResults([one, other]);
  assert.deepEqual(joined.settings.scenarios, ['one', 'two']);
  assert.equal(joined.recoverySeconds, 2);
  assert.equal(joined.commit, one.commit);
  const elsewhere = { ...other, machine: { ...machine, cores: 64 } };
  assert.throws(() => joinResults([one, elsewhere]), /machine/);
  assert.throws(() => joinResults([one, one]), /'one' was measured twice/);
});
