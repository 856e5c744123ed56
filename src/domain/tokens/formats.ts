import type { TokenMode } from '../policy/policy.ts';
import type { ValueType } from '../values/types.ts';
import type { FormatKind } from './format.ts';
import { type FormatRow, made } from './format-row.ts';
import { makeIbanFormat } from './iban.ts';
import {
  makeAlphanumeric,
  makeCard,
  makeCustom,
  makeDate,
  makeDigits,
  makeEmail,
  makeInteger,
  makeOpaque,
} from './make-formats.ts';
import { makePhoneFormat } from './phone.ts';
import { makeUsSsnFormat } from './us-ssn.ts';
import { makeUuidFormat } from './uuid.ts';

const STORED = ['random', 'deterministic'] as const satisfies TokenMode[];
const STORED_OR_FF1 = [...STORED, 'fpe'] as const satisfies TokenMode[];

type Kind = ValueType['kind'];
const NOT_CARDS: readonly Kind[] = [
  ...(['text', 'email', 'phone', 'iban', 'us-ssn'] as const),
  ...(['date', 'integer', 'uuid', 'digits', 'pattern'] as const),
];
/** Values of letters, digits and separators. */
const PLAIN: readonly Kind[] = NOT_CARDS.filter((kind) => kind !== 'email');
const OF_DIGITS: readonly Kind[] = PLAIN.filter((kind) => kind !== 'uuid' && kind !== 'iban');

const REPLACED =
  'length and separators (space `- . / ( ) _ + :`); with `keepFirst` (0–8) and `keepLast` (0–4) that many of the replaced characters';
const DICTIONARY =
  'Length and kept characters stay with the value: few people share a rare combination. A token can, by chance, be the value of another person, and in mode `fpe` its own.';

/**
 * All formats of tokens (DESIGN §6). A card number never gets a token that could be one unless the
 * policy says so by `luhn`: cards take no format whose tokens are digits but `card`.
 */
export const FORMATS: Readonly<Record<FormatKind, FormatRow>> = {
  opaque: {
    modes: ['random', 'deterministic', 'siv', 'volatile'],
    types: ['card', ...NOT_CARDS],
    options: ['prefix'],
    make: makeOpaque,
    about: {
      example: 'tok_7x2k9m4qwzr0c5nv8h1t3bde6f',
      keeps: 'nothing',
      capacity: '2^130',
      neverCollides:
        'anything that has no underscore between a short word and 26 letters and digits',
      weaknesses:
        'None of its own. In mode `siv` it is `<prefix>~<key version>.<base64url>`, and its length says how long the value is.',
    },
  },
  card: {
    modes: STORED_OR_FF1,
    types: ['card'],
    options: ['keepFirst', 'keepLast', 'luhn'],
    make: makeCard,
    about: {
      example: '4111115093701111',
      keeps:
        'length; `keepFirst` (0–8) and `keepLast` (0–4) digits. Numbers shorter than 16 digits keep only the last ones',
      capacity:
        'with 16 digits, first 6 and last 4 kept: 900,000 for each such ten digits (`luhn: fail`), 1,000,000 (`any`), 100,000 (`pass`)',
      neverCollides: '`luhn: fail` (the default): any card number, whoever issues it',
      weaknesses:
        'With six first and four last digits kept, 100,000 card numbers are possible for a token, not 10^16. `luhn: pass` and `any` give tokens that can be somebody’s card number: use them only where a system insists. FF1 works on digits that are free after the Luhn digit: 6 and 4 kept need `luhn: any`.',
    },
  },
  'us-ssn': {
    modes: STORED,
    types: ['us-ssn'],
    options: [],
    make: () => made(makeUsSsnFormat()),
    about: {
      example: '942-17-3085',
      keeps: 'nothing',
      capacity: '48,995,100',
      neverCollides:
        'a social security number (no area 900–999), a taxpayer number (ITIN, ATIN: no group 01–49), or a serial 0000',
      weaknesses: 'Systems that check the area refuse it. Fewer tokens than there are citizens.',
    },
  },
  email: {
    modes: STORED,
    types: ['email'],
    options: ['domain'],
    make: makeEmail,
    about: {
      example: '0w3hk8z5v1n9c7t2xq4mr6jdbe@token.invalid',
      keeps: 'nothing; with `domain: keep` the domain',
      capacity: '2^130',
      neverCollides: 'a mailbox: `.invalid` is nobody’s (RFC 2606)',
      weaknesses:
        'With `domain: keep` mail to a token goes to a real host, and a rare domain names its owner. With a domain of your own, mail arrives if you let it.',
    },
  },
  phone: {
    modes: STORED,
    types: ['phone'],
    options: [],
    make: () => made(makePhoneFormat()),
    about: {
      example: '+4900731956284',
      keeps: 'country code and length',
      capacity:
        'by country and length: 10^8 for Germany with 10 digits, 2 × 10^9 for North America, about 10^8 for France (a few in a hundred of them may be passed over)',
      neverCollides:
        'a number that the numbering plan of its country knows, at the time of drawing',
      weaknesses:
        'Numbering plans change: a token of today may be a number in years. Do not dial tokens. A rare country or length narrows down the value. Values of a country and length where every number is assignable are refused (`format_unfit`).',
    },
  },
  iban: {
    modes: STORED,
    types: ['iban'],
    options: [],
    make: () => made(makeIbanFormat()),
    about: {
      example: 'DE46831940275506318294',
      keeps: 'country, length and which places are letters or digits in that country',
      capacity:
        '96 × the accounts that can be written: 9.6 × 10^19 for Germany, 9.6 × 10^12 for Norway',
      neverCollides: 'an account: check digits lie in 02–98 and are wrong (ISO 13616)',
      weaknesses:
        'Whatever verifies check digits refuses it. A rare country narrows down the value.',
    },
  },
  digits: {
    modes: STORED_OR_FF1,
    types: OF_DIGITS,
    options: ['keepFirst', 'keepLast'],
    make: makeDigits,
    about: {
      example: '830194',
      keeps: REPLACED,
      capacity: '10^n for n free digits',
      neverCollides: 'nothing: a token can be a number that somebody has',
      weaknesses: DICTIONARY,
    },
  },
  alphanumeric: {
    modes: STORED_OR_FF1,
    types: PLAIN,
    options: ['keepFirst', 'keepLast'],
    make: makeAlphanumeric,
    about: {
      example: 'h7-Qx02PzL',
      keeps: REPLACED,
      capacity: '62^n for n free letters and digits',
      neverCollides: 'nothing: a token can be an identifier that somebody has',
      weaknesses: `${DICTIONARY} Letters and digits mix: a place that held a digit can get a letter.`,
    },
  },
  custom: {
    modes: STORED_OR_FF1,
    types: PLAIN,
    options: ['alphabet', 'keepFirst', 'keepLast'],
    make: makeCustom,
    about: {
      example: 'ACGTTGCA',
      keeps: REPLACED,
      capacity: 'r^n for n free characters of an `alphabet` of r (2–93 printable ASCII characters)',
      neverCollides: 'nothing, unless the alphabet has what no real value has',
      weaknesses: `${DICTIONARY} Values with a character that is neither in the alphabet nor a separator are refused.`,
    },
  },
  uuid: {
    modes: STORED,
    types: ['card', ...NOT_CARDS],
    options: [],
    make: () => made(makeUuidFormat()),
    about: {
      example: '6f1c0a52-93de-8b47-a1f0-2c5d7e9b3a48',
      keeps: 'nothing',
      capacity: '2^122',
      neverCollides: 'UUIDs of other versions: it is version 8, "custom" (RFC 9562)',
      weaknesses: 'Other systems may use version 8, too; the same one is as unlikely as a guess.',
    },
  },
  date: {
    modes: STORED,
    types: NOT_CARDS,
    options: ['min', 'max'],
    make: makeDate,
    about: {
      example: '6127-02-14',
      keeps: 'nothing',
      capacity: 'days from `min` to `max`: 2,556,697 by default (3000-01-01 to 9999-12-31)',
      neverCollides: 'a date in anybody’s life, unless `min` and `max` say so',
      weaknesses: 'Few: a field fills up. Programs that calculate with it get absurd ages.',
    },
  },
  integer: {
    modes: STORED,
    types: NOT_CARDS,
    options: ['min', 'max'],
    make: makeInteger,
    about: {
      example: '7203685477580114221',
      keeps: 'nothing',
      capacity: 'numbers from `min` to `max`: 2^62 by default (2^62 to 2^63 − 1)',
      neverCollides: 'counters and sums of real systems, unless `min` and `max` say so',
      weaknesses:
        'JavaScript and spreadsheets lose digits beyond 2^53: where they read tokens, give `min` and `max` below it.',
    },
  },
};
