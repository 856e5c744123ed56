import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VaultError } from '../domain/errors.ts';
import { type Ff1Job, ff1Item, runFf1 } from './ff1.ts';
import type { Ff1Engine } from './ff1-engine.ts';
import { gatherFf1 } from './ff1-gathering.ts';
import { SecretKey } from './secret.ts';

const key = SecretKey.take(Buffer.alloc(32, 3)).keyObject();
const WORK = { direction: 'encrypt', key, vaultId: 1, version: 1 } as const;
const PLACE = { fieldId: 1, scope: 'vault' };
const numeralsOf = (text: string, kept = '') => ({
  radix: 10,
  digits: Array.from(text, Number),
  kept,
});

function gatherWith(run: (job: Ff1Job) => number[][] = runFf1) {
  const jobs: Ff1Job[] = [];
  const engine: Ff1Engine = {
    run: async (job) => {
      jobs.push(job);
      return run(job);
    },
    close: async () => {},
  };
  return { permute: gatherFf1(engine, WORK), jobs };
}

test('calls of one turn are one job, in which each distinct input is permuted once', async () => {
  const { permute, jobs } = gatherWith();
  const texts = Array.from({ length: 40 }, (_, n) => String(123_456 + (n % 4)));
  const results = await Promise.all(texts.map((text) => permute(numeralsOf(text), PLACE)));
  assert.deepEqual(
    jobs.map(({ items }) => items.length),
    [4],
  );
  for (const [n, text] of texts.entries()) {
    const items = [ff1Item(numeralsOf(text), PLACE)];
    assert.deepEqual([results[n]], runFf1({ ...WORK, items }));
  }
  await permute(numeralsOf('123456'), PLACE);
  assert.equal(jobs.length, 2);
});

test('inputs that differ in anything are not taken for one', async () => {
  const { permute, jobs } = gatherWith();
  const results = await Promise.all([
    permute(numeralsOf('123456'), PLACE),
    permute(numeralsOf('123456', '7'), PLACE),
    permute({ ...numeralsOf('123456'), radix: 11 }, PLACE),
    permute(numeralsOf('1234561'), PLACE),
    permute(numeralsOf('123456'), { ...PLACE, fieldId: 2 }),
    permute(numeralsOf('123456'), { ...PLACE, scope: 'caller:a' }),
    permute({ radix: 100, digits: [12, 3, 4, 5, 6], kept: '' }, PLACE),
    permute({ radix: 100, digits: [1, 23, 4, 5, 6], kept: '' }, PLACE),
  ]);
  assert.equal(jobs[0]?.items.length, results.length);
  assert.equal(new Set(results.map((digits) => digits.join())).size, results.length);
});

test('callers of one input own their results', async () => {
  const { permute } = gatherWith();
  const [one, two] = await Promise.all([
    permute(numeralsOf('123456'), PLACE),
    permute(numeralsOf('123456'), PLACE),
  ]);
  assert.deepEqual(one, two);
  one?.fill(0);
  assert.notDeepEqual(one, two);
});

test('an input that is refused harms none that was gathered with it', async () => {
  const { permute, jobs } = gatherWith();
  const [good, short] = await Promise.allSettled([
    permute(numeralsOf('123456'), PLACE),
    permute(numeralsOf('12345'), PLACE),
  ]);
  assert.equal(good.status, 'fulfilled');
  assert.equal(short.status === 'rejected' && short.reason.code, 'value_invalid');
  assert.equal(jobs[0]?.items.length, 1);
});

test('a job that fails fails all of its calls, and none after it', async () => {
  let isBroken = true;
  const { permute } = gatherWith((job) => {
    if (isBroken) throw new VaultError('overloaded');
    return runFf1(job);
  });
  const calls = ['123456', '123456', '654321'].map((text) => permute(numeralsOf(text), PLACE));
  for (const result of await Promise.allSettled(calls)) {
    assert.equal(result.status === 'rejected' && result.reason.code, 'overloaded');
  }
  isBroken = false;
  assert.equal((await permute(numeralsOf('123456'), PLACE)).length, 6);
});
