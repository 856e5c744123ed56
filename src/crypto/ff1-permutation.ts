import { createCipheriv, type KeyObject } from 'node:crypto';
import { VaultError } from '../domain/errors.ts';
import { encryptTogether, type WithBlocks } from './ff1-blocks.ts';

const BLOCK_BYTES = 16;
const ROUNDS = 10;
const MAX_RADIX = 65_535;

/** Digits of a radix, most significant first: a numeral string of SP 800-38G §4.1. */
export type NumeralString = { radix: number; digits: readonly number[] };

export type Ff1Input = NumeralString & { direction: 'encrypt' | 'decrypt'; tweak: Uint8Array };

/** Whether every digit is one: what lies outside the radix would be read as another text. */
export function isNumeralString({ radix, digits }: NumeralString): boolean {
  return digits.every((digit) => Number.isInteger(digit) && digit >= 0 && digit < radix);
}

/**
 * FF1 with AES (NIST SP 800-38G, algorithms 7 and 8; steps are cited by their numbers there) of each input on
 * its own; results in their order. AES is that of node:crypto: the key stays a key object, and blocks are
 * encrypted in constant time; arithmetic on digits is not in constant time. Radix 2 to 65,535 and at least
 * two digits, else `internal`; how small a domain may be is up to the caller.
 */
export function permuteFf1(key: KeyObject, inputs: readonly Ff1Input[]): number[][] {
  const algorithm = `aes-${(key.symmetricKeySize ?? 0) * 8}-ecb`;
  const aes = createCipheriv(algorithm, key, null).setAutoPadding(false);
  return encryptTogether(aes, inputs.map(permute));
}

function* permute({ direction, tweak, radix, digits }: Ff1Input): WithBlocks<number[]> {
  checkInput({ radix, digits });
  // Steps 1 and 2.
  const u = Math.floor(digits.length / 2);
  const v = digits.length - u;
  const base = BigInt(radix);
  let a = toNumber(base, digits.slice(0, u));
  let b = toNumber(base, digits.slice(u));
  // Step 6v: m is u in even rounds, v in odd ones.
  const moduli = { even: base ** BigInt(u), odd: base ** BigInt(v) };
  const roundFunction = yield* makeRoundFunction({ tweak, radix, u, v, largest: moduli.odd - 1n });
  for (let step = 0; step < ROUNDS; step += 1) {
    const i = direction === 'encrypt' ? step : ROUNDS - 1 - step;
    const modulus = i % 2 === 0 ? moduli.even : moduli.odd;
    if (direction === 'encrypt') {
      // Algorithm 7, steps 6vi to 6ix: A ← B, B ← (A + y) mod radix^m.
      const c = (a + (yield* roundFunction(i, b))) % modulus;
      [a, b] = [b, c];
    } else {
      // Algorithm 8, steps 6vi to 6ix: B ← A, A ← (B − y) mod radix^m; `%` alone would give it the sign of B − y.
      const c = (b - (yield* roundFunction(i, a))) % modulus;
      [a, b] = [c < 0n ? c + modulus : c, a];
    }
  }
  // Step 7.
  return [...toDigits(base, u, a), ...toDigits(base, v, b)];
}

function checkInput(input: NumeralString): void {
  const { radix, digits } = input;
  const isRadix = Number.isInteger(radix) && radix >= 2 && radix <= MAX_RADIX;
  if (!isRadix || digits.length < 2 || !isNumeralString(input)) {
    throw new VaultError('internal', { detail: 'FF1 cannot permute this' });
  }
}

type RoundFunction = (i: number, half: bigint) => WithBlocks<bigint>;

/** Makes the function that gives y of a round and a half (steps 3 to 6iv). What all rounds share is done once. */
function* makeRoundFunction(shape: {
  tweak: Uint8Array;
  radix: number;
  u: number;
  v: number;
  largest: bigint;
}): WithBlocks<RoundFunction> {
  const { tweak, radix, u, v, largest } = shape;
  // Step 3: ⌈⌈v·log2(radix)⌉/8⌉ is what the largest half needs; so no logarithm is rounded.
  const b = Math.ceil(largest.toString(2).length / 8);
  // Step 4.
  const d = 4 * Math.ceil(b / 4) + 4;
  // Step 5: P = [1]¹ ‖ [2]¹ ‖ [1]¹ ‖ [radix]³ ‖ [10]¹ ‖ [u mod 256]¹ ‖ [n]⁴ ‖ [t]⁴.
  const p = Buffer.from([1, 2, 1, 0, 0, 0, ROUNDS, u % 256, 0, 0, 0, 0, 0, 0, 0, 0]);
  p.writeUIntBE(radix, 3, 3);
  p.writeUInt32BE(u + v, 8);
  p.writeUInt32BE(tweak.length, 12);
  // Step 6i: Q = T ‖ [0]^((−t−b−1) mod 16) ‖ [i]¹ ‖ [NUM(half)]^b.
  const q = Buffer.alloc(Math.ceil((tweak.length + 1 + b) / BLOCK_BYTES) * BLOCK_BYTES);
  q.set(tweak);
  const roundAt = q.length - b - 1;
  // Step 6ii: R = PRF(P ‖ Q), the CBC-MAC of algorithm 6. Blocks of Q before the one with `i` never change.
  const changesAt = roundAt - (roundAt % BLOCK_BYTES);
  const shared = yield* chain(yield p, q.subarray(0, changesAt));
  const changing = q.subarray(changesAt);

  return function* roundFunction(i, half) {
    q[roundAt] = i;
    q.write(half.toString(16).padStart(2 * b, '0'), roundAt + 1, 'hex');
    const s = yield* expand(yield* chain(shared, changing), d);
    // Step 6iv.
    return BigInt(`0x${s.toString('hex', 0, d)}`);
  };
}

/** Algorithm 6 from a state on: Y ← AES(Y ⊕ X) for each block X. */
function* chain(from: Buffer, blocks: Buffer): WithBlocks<Buffer> {
  let y = from;
  for (let at = 0; at < blocks.length; at += BLOCK_BYTES) {
    y = yield xor(y, blocks.subarray(at, at + BLOCK_BYTES));
  }
  return y;
}

/** Step 6iii: at least `length` bytes of S = R ‖ AES(R ⊕ [1]¹⁶) ‖ AES(R ⊕ [2]¹⁶) …. */
function* expand(r: Buffer, length: number): WithBlocks<Buffer> {
  if (length <= BLOCK_BYTES) return r;
  const blocks = [r];
  for (let j = 1; j * BLOCK_BYTES < length; j += 1) {
    const counter = Buffer.alloc(BLOCK_BYTES);
    counter.writeUInt32BE(j, BLOCK_BYTES - 4);
    blocks.push(yield xor(r, counter));
  }
  return Buffer.concat(blocks);
}

function xor(one: Buffer, other: Buffer): Buffer {
  const block = Buffer.alloc(BLOCK_BYTES);
  for (let k = 0; k < BLOCK_BYTES; k += 1) block[k] = (one[k] ?? 0) ^ (other[k] ?? 0);
  return block;
}

/** NUM of §4.1. */
function toNumber(base: bigint, digits: readonly number[]): bigint {
  return digits.reduce((sum, digit) => sum * base + BigInt(digit), 0n);
}

/** STR of §4.1: as many digits as asked for. */
function toDigits(base: bigint, length: number, number: bigint): number[] {
  const digits: number[] = Array(length).fill(0);
  let rest = number;
  for (let place = length - 1; place >= 0; place -= 1) {
    digits[place] = Number(rest % base);
    rest /= base;
  }
  return digits;
}
