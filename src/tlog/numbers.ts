import { TlogError } from './tlog-error.ts';

// Sizes and indexes are numbers, not bigints: they are exact up to 2^53 - 1 (14,000 years at 20,000
// entries a second), several times as fast, and what callers hold already. Whatever is larger is
// refused. JavaScript's bit operators cut at 32 bits, so only arithmetic is used: dividing by a power
// of two changes a double's exponent alone, and is exact.

/** Throws `number_invalid` unless the value is a whole number from `min` (default 0) to `max` (default 2^53 - 1). */
export function checkNumber(value: number, { min = 0, max = Number.MAX_SAFE_INTEGER } = {}): void {
  if (!Number.isSafeInteger(value) || value < min || value > max) {
    throw new TlogError('number_invalid');
  }
}

/** Reads an ASCII decimal without leading zeros, up to 2^53 - 1; `undefined` for anything else. */
export function parseDecimal(text: string): number | undefined {
  if (!/^(0|[1-9][0-9]{0,15})$/.test(text)) {
    return;
  }
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : undefined;
}

/** The largest power of two strictly smaller than `width`, which must be at least 2 (RFC 6962 §2.1). */
export function splitPoint(width: number): number {
  let split = 1;
  while (split * 2 < width) {
    split *= 2;
  }
  return split;
}
