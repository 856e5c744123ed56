import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeMetrics } from '../../src/telemetry/metrics.ts';
import { blocksOf, commandsOf, runBlocks, textOf } from '../helpers/guide.ts';

/** What differs from run to run: tokens, times, ids, digests and signatures. */
function withoutChance(answers: string): string {
  return answers
    .replaceAll(/\b[a-z]+_[0-9a-hjkmnp-tv-z]{26}\b/g, '(token)')
    .replaceAll(/\b[0-9a-hjkmnp-tv-z]{26}@token\.invalid\b/g, '(token)')
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '(time)')
    .replaceAll(/event [\w-]{22}/g, 'event (id)')
    .replaceAll(/person [\w+/]{43}=/g, 'person (digest)')
    .replaceAll(/erasures [\w+/]{91}=/g, 'erasures (signature)')
    .trim();
}

test('every command of the guide to people that says that it runs prints what stands below it', async () => {
  const { script, expected } = commandsOf(await blocksOf('people.md'));
  const printed = await runBlocks(
    script.map((text) => text.replaceAll('node examples', `'${process.execPath}' examples`)),
  );
  assert.deepEqual(printed.map(withoutChance), expected.map(withoutChance));
  assert.equal(expected.length, 4);
});

test('the guide to people names every metric of erasures', async () => {
  const guide = await textOf('people.md');
  const { body } = await makeMetrics().expose();
  const names = [...body.matchAll(/^# TYPE (counterfoil_erasure_\w+)/gm)].map(
    ([, name = '']) => name,
  );
  assert.equal(names.length, 3);
  for (const name of names) assert.ok(guide.includes(`\`${name}\``), name);
});
