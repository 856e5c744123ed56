import assert from 'node:assert/strict';
import { createSecretKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { FF1 } from '@noble/ciphers/ff1.js';
import fc from 'fast-check';
import { type Ff1Input, permuteFf1 } from './ff1-permutation.ts';

const BASE_36 = '0123456789abcdefghijklmnopqrstuvwxyz';
const KEY_128 = '2b7e151628aed2a6abf7158809cf4f3c';
const KEY_192 = `${KEY_128}ef4359d8d580aa4f`;
const KEY_256 = `${KEY_192}7f036d6f04fc6a94`;
const TWEAK_10 = '39383736353433323130';
const TWEAK_36 = '3737373770717273373737';
const DIGITS = '0123456789';
const LETTERS = '0123456789abcdefghi';

// NIST, "Block Cipher Modes of Operation: FF1" (examples of SP 800-38G), samples 1 to 9.
const SAMPLES = [
  { key: KEY_128, radix: 10, tweak: '', plain: DIGITS, sealed: '2433477484' },
  { key: KEY_128, radix: 10, tweak: TWEAK_10, plain: DIGITS, sealed: '6124200773' },
  { key: KEY_128, radix: 36, tweak: TWEAK_36, plain: LETTERS, sealed: 'a9tv40mll9kdu509eum' },
  { key: KEY_192, radix: 10, tweak: '', plain: DIGITS, sealed: '2830668132' },
  { key: KEY_192, radix: 10, tweak: TWEAK_10, plain: DIGITS, sealed: '2496655549' },
  { key: KEY_192, radix: 36, tweak: TWEAK_36, plain: LETTERS, sealed: 'xbj3kv35jrawxv32ysr' },
  { key: KEY_256, radix: 10, tweak: '', plain: DIGITS, sealed: '6657667009' },
  { key: KEY_256, radix: 10, tweak: TWEAK_10, plain: DIGITS, sealed: '1001623463' },
  { key: KEY_256, radix: 36, tweak: TWEAK_36, plain: LETTERS, sealed: 'xs8a0azh2avyalyzuwd' },
];

const numerals = (text: string, alphabet = BASE_36) =>
  Array.from(text, (character) => alphabet.indexOf(character));

/** `open` encrypted and `closed` decrypted. */
function bothWays(input: {
  key: string;
  tweak: string;
  radix: number;
  open: number[];
  closed: number[];
}): number[][] {
  const { radix, open, closed } = input;
  const shared = { tweak: Buffer.from(input.tweak, 'hex'), radix };
  return permuteFf1(createSecretKey(Buffer.from(input.key, 'hex')), [
    { ...shared, direction: 'encrypt', digits: open },
    { ...shared, direction: 'decrypt', digits: closed },
  ]);
}

for (const [index, { key, radix, tweak, plain, sealed }] of SAMPLES.entries()) {
  test(`NIST's sample ${index + 1} encrypts and decrypts as published`, () => {
    const [open, closed] = [numerals(plain), numerals(sealed)];
    assert.deepEqual(bothWays({ key, tweak, radix, open, closed }), [closed, open]);
  });
}

type FpeGroup = { alphabet: string; radix: number; tests: FpeTest[] };
type FpeTest = { tcId: number; key: string; tweak: string; result: string } & Record<
  'msg' | 'ct',
  string
>;

function agrees({ alphabet, radix }: FpeGroup, one: FpeTest): boolean {
  const [open, closed] = [numerals(one.msg, alphabet), numerals(one.ct, alphabet)];
  try {
    const [encrypted, decrypted] = bothWays({ ...one, radix, open, closed });
    const isSame = encrypted?.join() === closed.join() && decrypted?.join() === open.join();
    return isSame && one.result === 'valid';
  } catch {
    return one.result === 'invalid';
  }
}

// biome-ignore lint/style/noProcessEnv: only a test asks where the larger published vectors lie.
const folder = process.env['COUNTERFOIL_TEST_VECTORS'];
for (const [radix, count] of [
  [10, 3_845],
  [36, 2_854],
] as const) {
  test(`agrees with all Wycheproof cases of radix ${radix}`, {
    skip: folder === undefined && 'COUNTERFOIL_TEST_VECTORS is not set',
  }, () => {
    const path = join(folder ?? '', `wycheproof-aes_ff1_base${radix}_test.json`);
    const { testGroups }: { testGroups: FpeGroup[] } = JSON.parse(readFileSync(path, 'utf8'));
    const cases = testGroups.flatMap((group) => group.tests.map((one) => ({ group, one })));
    assert.equal(cases.length, count);
    const wrong = cases.filter(({ group, one }) => !agrees(group, one));
    assert.deepEqual(
      wrong.map(({ one }) => one.tcId),
      [],
    );
  });
}

const bytes = (length: { minLength: number; maxLength: number }) =>
  fc.uint8Array(length).map((array) => Buffer.from(array));

/** Any input from 1,000,000 texts to 256 digits. */
const anyInput: fc.Arbitrary<Ff1Input> = fc
  .oneof(fc.integer({ min: 2, max: 94 }), fc.constantFrom(256, 1_000, 32_768, 65_535))
  .chain((radix) =>
    fc.record({
      direction: fc.constantFrom('encrypt', 'decrypt'),
      tweak: bytes({ minLength: 0, maxLength: 50 }),
      radix: fc.constant(radix),
      digits: fc.array(fc.integer({ min: 0, max: radix - 1 }), {
        minLength: Math.ceil(Math.log(1_000_000) / Math.log(radix) + 0.01),
        maxLength: 256,
        size: 'large',
      }),
    }),
  );

test('agrees with another implementation, whatever is permuted together', () => {
  const keys = fc.constantFrom(16, 24, 32).chain((n) => bytes({ minLength: n, maxLength: n }));
  fc.assert(
    fc.property(keys, fc.array(anyInput, { maxLength: 6 }), (key, inputs) => {
      const expected = inputs.map(({ direction, tweak, radix, digits }) =>
        FF1(radix, key, tweak)[direction]([...digits]),
      );
      assert.deepEqual(permuteFf1(createSecretKey(key), inputs), expected);
    }),
    { numRuns: 200 },
  );
});

test('agrees with another implementation at the ends of the domain and of the block', () => {
  const key = Buffer.alloc(32, 5);
  for (const radix of [2, 10, 94, 65_535]) {
    for (const length of [20, 21, 38, 39, 77, 78, 255, 256]) {
      for (const digit of [0, radix - 1]) {
        const digits = Array<number>(length).fill(digit);
        const shared = { tweak: Buffer.alloc(16, length), radix, digits };
        const other = FF1(radix, key, shared.tweak);
        const permuted = permuteFf1(createSecretKey(key), [
          { ...shared, direction: 'encrypt' },
          { ...shared, direction: 'decrypt' },
        ]);
        assert.deepEqual(permuted, [other.encrypt([...digits]), other.decrypt([...digits])]);
      }
    }
  }
});

test('a small domain is permuted: every text has a token of its own, which opens to it', () => {
  const key = createSecretKey(Buffer.alloc(32, 6));
  const tweak = Buffer.alloc(16);
  const texts = Array.from({ length: 1_000 }, (_, n) => numerals(String(n).padStart(3, '0')));
  const run = (direction: Ff1Input['direction'], inputs: number[][]) =>
    permuteFf1(
      key,
      inputs.map((digits) => ({ direction, tweak, radix: 10, digits })),
    );
  const tokens = run('encrypt', texts);
  assert.equal(new Set(tokens.map((digits) => digits.join(''))).size, texts.length);
  assert.deepEqual(run('decrypt', tokens), texts);
});

test('what FF1 does not define is refused', () => {
  const key = createSecretKey(Buffer.alloc(32, 6));
  const good: Ff1Input = {
    direction: 'encrypt',
    tweak: Buffer.alloc(0),
    radix: 10,
    digits: [1, 2],
  };
  assert.equal(permuteFf1(key, [good]).length, 1);
  for (const change of [
    ...[-1, 0, 1, 2.5, 65_536, Number.NaN].map((radix) => ({ radix, digits: [0, 0] })),
    ...[[], [1], [1, 10], [1, -1], [1, 0.5], [1, Number.NaN]].map((digits) => ({ digits })),
  ]) {
    for (const direction of ['encrypt', 'decrypt'] as const) {
      const inputs = [good, { ...good, direction, ...change }];
      assert.throws(() => permuteFf1(key, inputs), {
        code: 'internal',
        message: 'FF1 cannot permute this',
      });
    }
  }
});
