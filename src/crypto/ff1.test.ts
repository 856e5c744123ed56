import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { sha256 } from './digest.ts';
import { ff1Item, runFf1 } from './ff1.ts';
import { permuteFf1 } from './ff1-permutation.ts';
import { frame } from './framing.ts';
import { SecretKey } from './secret.ts';

const numerals = (text: string) => Array.from(text, Number);

const KEY = () => SecretKey.take(Buffer.alloc(32, 9));
const ITEM = { fieldId: 3, scope: 'vault', radix: 10, digits: numerals('123456789012'), kept: '1' };
const item = (change: Partial<typeof ITEM> = {}) => {
  const changed = { ...ITEM, ...change };
  return ff1Item(changed, changed);
};
const JOB = { direction: 'encrypt', vaultId: 7, version: 1, items: [item()] } as const;

test('the tweak is the documented one', () => {
  const framed = frame(['counterfoil/fpe/v1', '7', '3', 'vault', '1', '1']);
  const tweak = sha256(framed).subarray(0, 16);
  const key = KEY().keyObject();
  const expected = permuteFf1(key, [
    { direction: 'encrypt', tweak, radix: 10, digits: ITEM.digits },
  ]);
  assert.deepEqual(runFf1({ ...JOB, key }), expected);
});

test('vault, field, scope, version and kept characters each select a permutation of its own', () => {
  const key = KEY().keyObject();
  const jobs = [
    { ...JOB, key },
    { ...JOB, key, vaultId: 8 },
    { ...JOB, key, version: 2 },
    { ...JOB, key, items: [item({ fieldId: 4 })] },
    { ...JOB, key, items: [item({ scope: 'caller:a' })] },
    { ...JOB, key, items: [item({ kept: '2' })] },
    { ...JOB, key, items: [item({ kept: '' })] },
    { ...JOB, key: SecretKey.take(Buffer.alloc(32, 8)).keyObject() },
  ];
  assert.equal(new Set(jobs.map((job) => runFf1(job).join())).size, jobs.length);
});

test('what is encrypted decrypts to itself, in every radix', () => {
  const originals = fc
    .integer({ min: 2, max: 94 })
    .chain((radix) =>
      fc
        .array(fc.integer({ min: 0, max: radix - 1 }), { minLength: 20, maxLength: 40 })
        .map((digits) => ({ radix, digits })),
    );
  fc.assert(
    fc.property(fc.array(originals, { maxLength: 4 }), (originals) => {
      const job = { ...JOB, key: KEY().keyObject() };
      const encrypted = runFf1({ ...job, items: originals.map(item) });
      const back = originals.map(({ radix }, n) => item({ radix, digits: encrypted[n] ?? [] }));
      const decrypted = runFf1({ ...job, direction: 'decrypt', items: back });
      assert.deepEqual(
        decrypted,
        originals.map(({ digits }) => digits),
      );
    }),
    { numRuns: 50 },
  );
});

test('the smallest allowed domain is permuted: no two texts share a token', () => {
  const items = Array.from({ length: 2_000 }, (_, n) =>
    item({ digits: numerals(String(n * 499).padStart(6, '0')) }),
  );
  const tokens = runFf1({ ...JOB, key: KEY().keyObject(), items }).map((digits) => digits.join(''));
  assert.equal(new Set(tokens).size, items.length);
  assert.ok(tokens.every((token) => /^\d{6}$/.test(token)));
});

test('fewer than 1,000,000 texts and more than 256 numerals are refused', () => {
  const refused = (radix: number, length: number) => () =>
    item({ radix, digits: Array(length).fill(0) });
  const ruled = (rule: string) => ({
    code: 'value_invalid',
    problems: [{ path: '/value', rule }],
  });
  for (const [radix, length] of [
    [10, 0],
    [10, 5],
    [36, 3],
    [2, 19],
    [94, 3],
    [999, 2],
  ] as const) {
    assert.throws(refused(radix, length), ruled('too_short_for_format'));
  }
  for (const [radix, length] of [
    [10, 6],
    [36, 4],
    [2, 20],
    [94, 4],
    [1_000, 2],
    [10, 256],
  ] as const) {
    assert.doesNotThrow(refused(radix, length));
  }
  assert.throws(refused(10, 257), ruled('too_long'));
});

test('a numeral outside its radix is refused, and not shown', () => {
  for (const digit of [-1, 10, 1.5, Number.NaN]) {
    assert.throws(() => item({ digits: [1, 2, 3, 4, 5, digit] }), {
      code: 'internal',
      message: 'a numeral lies outside its radix',
      cause: undefined,
    });
  }
});
