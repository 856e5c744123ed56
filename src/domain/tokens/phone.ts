import { getCountries, getCountryCallingCode } from 'libphonenumber-js/min';
import { describeKept } from './characters.ts';
import { drawUntil } from './draw-until.ts';
import type { Random, TokenFormat } from './format.ts';
import { drawFramed } from './framed-slots.ts';
import { findDeadHeads, isValidPhone } from './phone-heads.ts';
import { makeSlotCache } from './slot-cache.ts';
import { FREE } from './slots.ts';
import { unfitValue } from './unfit.ts';

const NUMBER = /^\+[0-9]{4,20}$/;
/** One head of two digits before seven free ones: no country with numbers of usual length has fewer. */
const USUAL_CAPACITY = 10n ** 7n;

/** Codes of no country: freephone, satellite and the like (ITU-T E.164 D). */
const GLOBAL_CODES = ['800', '808', '870', '878', '881', '882', '883', '888', '979'];
const CALLING_CODES: ReadonlySet<string> = new Set([
  ...getCountries().map((country) => getCountryCallingCode(country)),
  ...GLOBAL_CODES,
]);

/** Heads by country code and length. Every length of every country is a few hundred entries. */
const headsOf = new Map<string, readonly string[]>();

type Plan = { country: string; length: number; heads: readonly string[] };

/**
 * Format `phone`: country code and length stay; the rest starts as no number of that country does, and
 * each token is checked against its numbering plan once more.
 */
export function makePhoneFormat(): Omit<TokenFormat, 'shape'> {
  const slotsOf = makeSlotCache();
  const spaceOf = (value: string) => {
    const { country, length, heads } = findPlan(value) ?? {};
    const [first] = heads ?? [];
    if (
      country === undefined ||
      length === undefined ||
      heads === undefined ||
      first === undefined
    ) {
      throw unfitValue('format_unfit');
    }
    const free = length - first.length;
    const start = 1 + country.length + first.length;
    const slots = slotsOf(`${start}:${free}`, () => ({
      length: start + free,
      slots: Array.from({ length: free }, (_, at) => ({ at: start + at, alphabet: '0123456789' })),
    }));
    const parts = heads.map((head) => ({ frame: `+${country}${head}${FREE.repeat(free)}`, slots }));
    return {
      kept: describeKept(`+${country}${FREE.repeat(length)}`),
      capacity: BigInt(heads.length) * slots.capacity,
      draw: (random: Random, shard?: number) =>
        drawUntil(
          (text) => !isValidPhone(text),
          () => drawFramed(parts, random, shard),
        ),
    };
  };
  return { kind: 'phone', isSmall: true, capacity: USUAL_CAPACITY, matches: isToken, spaceOf };
}

function isToken(text: string): boolean {
  const plan = findPlan(text);
  const rest = text.slice(1 + (plan?.country.length ?? 0));
  return plan?.heads.some((head) => rest.startsWith(head)) === true && !isValidPhone(text);
}

/** Country and length of what follows its code, and the heads for them. */
function findPlan(text: string): Plan | undefined {
  // No code is the beginning of another one (ITU-T E.164): the first one that fits is it.
  const country = [2, 3, 4]
    .map((end) => text.slice(1, end))
    .find((code) => CALLING_CODES.has(code));
  if (country === undefined || !NUMBER.test(text)) {
    return undefined;
  }
  const length = text.length - 1 - country.length;
  const key = `${country}:${length}`;
  const heads = headsOf.get(key) ?? findDeadHeads(country, length);
  headsOf.set(key, heads);
  return { country, length, heads };
}
