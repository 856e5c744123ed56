import { countrySpecs } from 'ibantools';
import { describeKept } from './characters.ts';
import { drawUntil } from './draw-until.ts';
import type { TokenFormat } from './format.ts';
import { makeSlotCache } from './slot-cache.ts';
import { FREE, type Slot } from './slots.ts';
import { unfitValue } from './unfit.ts';

const DIGITS = '0123456789';
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';
/** Where the account begins, behind country and check digits. */
const ACCOUNT_AT = 4;
/** Check digits lie in 02–98 (ISO 13616, ISO/IEC 7064 MOD 97-10); one of these 97 is the right one. */
const WRONG_CHECKS = 96n;

const CLASSES: ReadonlyMap<string, string> = new Map([
  ['0-9', DIGITS],
  ['A-Z', LETTERS],
  ['A-Z0-9', DIGITS + LETTERS],
  ['0-9A-Z', DIGITS + LETTERS],
]);

type Structure = { slots: readonly Slot[]; pattern: RegExp; capacity: bigint };

/** Structures by country, as `[0-9]{8}[A-Z0-9]{12}` and the like write them. */
const STRUCTURES: ReadonlyMap<string, Structure> = new Map(
  Object.entries(countrySpecs).flatMap(([country, { bban_regexp: account }]) =>
    account === undefined ? [] : [[country, readStructure(country, account)]],
  ),
);

const SMALLEST = [...STRUCTURES.values()].reduce(
  (least, { capacity }) => (capacity < least ? capacity : least),
  2n ** 256n,
);

/** Format `iban`: country, length and structure of the account stay, the check digits are wrong. */
export function makeIbanFormat(): Omit<TokenFormat, 'shape'> {
  const slotsOf = makeSlotCache();
  return {
    kind: 'iban',
    isSmall: true,
    capacity: SMALLEST,
    matches: isToken,
    spaceOf: (value) => {
      const country = value.slice(0, 2);
      const structure = STRUCTURES.get(country);
      if (structure === undefined) {
        throw unfitValue('format_unfit');
      }
      const { slots, capacity } = structure;
      const length = ACCOUNT_AT - 2 + slots.length;
      const frame = country + FREE.repeat(slots.length);
      const space = slotsOf(country, () => ({ length, slots }));
      return {
        kept: describeKept(frame),
        capacity,
        draw: (random, shard) => drawUntil(isToken, () => space.draw(frame, random, shard)),
      };
    },
  };
}

function isToken(text: string): boolean {
  const check = text.slice(2, ACCOUNT_AT);
  const isChecked = check >= '02' && check <= '98' && remainder(text) !== 1;
  return isChecked && STRUCTURES.get(text.slice(0, 2))?.pattern.test(text) === true;
}

/** ISO/IEC 7064 MOD 97-10 over the account, the country and the check digits; 1 for the right ones. */
function remainder(text: string): number {
  let rest = 0;
  for (const character of text.slice(ACCOUNT_AT) + text.slice(0, ACCOUNT_AT)) {
    const value = Number.parseInt(character, 36);
    rest = (rest * (value > 9 ? 100 : 10) + value) % 97;
  }
  return rest;
}

function readStructure(country: string, account: string): Structure {
  const parts = [...account.matchAll(/\[([^\]]+)\]\{([0-9]+)\}/g)];
  const alphabets = parts.flatMap(([, name = '', count]) =>
    Array.from({ length: Number(count) }, () => CLASSES.get(name) ?? ''),
  );
  const slots = [DIGITS, DIGITS, ...alphabets].map((alphabet, index) => ({
    at: index + 2,
    alphabet,
  }));
  return {
    slots,
    pattern: new RegExp(`^${country}[0-9]{2}${account.replace(/^\^|\$$/g, '')}$`),
    capacity: alphabets.reduce((product, { length }) => product * BigInt(length), WRONG_CHECKS),
  };
}
