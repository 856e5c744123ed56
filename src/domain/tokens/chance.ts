import type { Random } from './format.ts';

const BYTES = 6;
const RANGE = 2 ** 48;

/**
 * `count` numbers from 0 up to, not including, 1: 48 random bits each, from one call of `random`. A
 * choice among n of equal weight is then even to within n / 2^48, and exactly even for powers of two.
 */
export function drawFractions(random: Random, count: number): Float64Array {
  const bytes = random(count * BYTES);
  const fractions = new Float64Array(count);
  for (let index = 0; index < count; index += 1) {
    let number = 0;
    for (let at = index * BYTES; at < (index + 1) * BYTES; at += 1) {
      number = number * 256 + (bytes[at] ?? 0);
    }
    fractions[index] = number / RANGE;
  }
  return fractions;
}

/** The index that a fraction falls on when indices have these weights; `undefined` when all are 0. */
export function pickWeighted(weights: ArrayLike<number>, fraction: number): number | undefined {
  let total = 0;
  for (let index = 0; index < weights.length; index += 1) {
    total += weights[index] ?? 0;
  }
  let rest = fraction * total;
  let picked: number | undefined;
  for (let index = 0; index < weights.length; index += 1) {
    const weight = weights[index] ?? 0;
    if (weight > 0) {
      // The last one with a weight stays picked when rounding leaves a rest.
      picked = index;
      rest -= weight;
      if (rest < 0) {
        return picked;
      }
    }
  }
  return picked;
}
