import { parsePhoneNumberFromString } from 'libphonenumber-js/min';

/** Heads of up to so many digits are looked at. */
const MAX_HEAD = 3;
/** Numbers tried per head. What they miss is caught when a token is drawn. */
const PROBES = 32;

/** True for a number that the numbering plan of its country knows. */
export function isValidPhone(text: string): boolean {
  return parsePhoneNumberFromString(text, { extract: false })?.isValid() === true;
}

/**
 * First digits behind the country code that no valid number of this length starts with: the shortest
 * such heads, found by trying some numbers of each; in Germany 00, in France 0, in North America 0 and
 * 1. The same on every machine with the same numbering plans. Empty where all numbers look valid.
 */
export function findDeadHeads(country: string, length: number): string[] {
  for (let digits = 1; digits <= Math.min(MAX_HEAD, length); digits += 1) {
    const dead = Array.from({ length: 10 ** digits }, (_, head) =>
      String(head).padStart(digits, '0'),
    ).filter((head) => isDead(`+${country}${head}`, length - digits));
    if (dead.length > 0) {
      return dead;
    }
  }
  return [];
}

function isDead(head: string, missing: number): boolean {
  let state = 1;
  for (let probe = 0; probe < PROBES; probe += 1) {
    let text = head;
    for (let place = 0; place < missing; place += 1) {
      // A linear congruential generator: probes need to differ, not to be unknown.
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      text += String(Math.floor((state / 2 ** 32) * 10));
    }
    if (isValidPhone(text)) {
      return false;
    }
  }
  return true;
}
