import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VaultError } from '../errors.ts';
import type { ValueRule } from './invalid.ts';
import { normalise } from './normalise.ts';
import { parseValueType, type ValueType } from './types.ts';

type Kind = ValueType['kind'];

/** The type of that name as a policy would make it. */
function typeOf(kind: Kind): ValueType {
  const options = {
    ...(kind === 'digits' && { length: [3, 5] }),
    ...(kind === 'pattern' && { pattern: '[A-Z]{2}-[0-9]{6,12}' }),
  };
  return parseValueType({ type: kind, ...options }, 'fields.x').type ?? assert.fail(kind);
}

/** Raw value → normal form. */
const GOOD: Record<Kind, Record<string, string>> = {
  text: { ' a\0\r\n ': ' a\0\r\n ', é: 'é', 'e\u0301': 'e\u0301', '\ufeffx': '\ufeffx' },
  email: {
    ' Ada.L+x@EXAMPLE.Com\n': 'Ada.L+x@example.com',
    "o'neil!#$%&*/=?^_`{|}~-@x.io": "o'neil!#$%&*/=?^_`{|}~-@x.io",
    'a@xn--bcher-kva.example': 'a@xn--bcher-kva.example',
    [`${'a'.repeat(64)}@1.example`]: `${'a'.repeat(64)}@1.example`,
  },
  phone: {
    '+1 (415) 555-2671': '+14155552671',
    '+44 20 7946 0958': '+442079460958',
    ' +49.30.123456 ': '+4930123456',
    '+44(0)2079460958': '+442079460958',
    '+39 06 1234 5678': '+390612345678',
    '+800 1234 5678': '+80012345678',
    // Each zero is a trunk prefix once the one before it is gone.
    '+490000 0    0': '+490000',
  },
  card: {
    '4111 1111-1111 1111': '4111111111111111',
    '378282246310005': '378282246310005',
    '6304000000000000': '6304000000000000',
    '6799990100000000019': '6799990100000000019',
    '501800000009': '501800000009',
  },
  iban: {
    'gb82 west 1234 5698 7654 32': 'GB82WEST12345698765432',
    DE89370400440532013000: 'DE89370400440532013000',
    NO9386011117947: 'NO9386011117947',
    MT84MALT011000012345MTLCAST001S: 'MT84MALT011000012345MTLCAST001S',
  },
  'us-ssn': {
    '123456789': '123-45-6789',
    '899-99-9999': '899-99-9999',
    '001010001': '001-01-0001',
  },
  date: {
    '2024-02-29': '2024-02-29',
    '2000-02-29': '2000-02-29',
    '0001-01-01': '0001-01-01',
    '9999-12-31': '9999-12-31',
  },
  integer: {
    '0': '0',
    '-1': '-1',
    '9223372036854775807': '9223372036854775807',
    '-9223372036854775807': '-9223372036854775807',
  },
  uuid: { 'F81D4FAE-7dec-11d0-A765-00A0C91E6BF6': 'f81d4fae-7dec-11d0-a765-00a0c91e6bf6' },
  digits: { '000': '000', '12345': '12345' },
  pattern: { 'AB-123456': 'AB-123456' },
};

test('good values come out in the normal form of DESIGN §5', () => {
  for (const [kind, values] of Object.entries(GOOD)) {
    for (const [raw, normal] of Object.entries(values)) {
      const type = typeOf(kind as Kind);
      assert.equal(normalise(type, raw, 4096), normal, `${kind} ${raw}`);
      assert.equal(normalise(type, normal, 4096), normal);
    }
  }
});

/** Rule → values refused by it, some of them look-alikes: other scripts' digits, ı, ſ, K, full width. */
const BAD: Partial<Record<Kind, Partial<Record<ValueRule, string[]>>>> = {
  email: {
    empty: [' ', '\t\r\n'],
    not_email: [
      ...[
        'a',
        '@',
        'a@',
        '@b.c',
        'a@b',
        'a@b.',
        'a@.b',
        'a@b..c',
        '.a@b.c',
        'a.@b.c',
        'a..b@b.c',
        'a b@c.d',
      ],
      ...[
        '"a b"@c.d',
        'a@[192.0.2.1]',
        'a@192.0.2.1',
        'a@b@c.d',
        'a,b@c.d',
        'a@-b.c',
        'a@b-.c',
        'a@b_c.d',
        'a@b.c\nx',
      ],
      ...[
        'é@b.c',
        'a@bücher.example',
        'a@ſ.com',
        'a@\u212a.com',
        'a@b\u3002c',
        'Ada <a@b.c>',
        `${'a'.repeat(65)}@b.c`,
      ],
      ...[`a@${'b'.repeat(64)}.c`, `a@${'b.'.repeat(126)}cd`],
    ],
  },
  phone: {
    not_phone: [
      ...[
        '4155552671',
        '0014155552671',
        '+',
        '+1',
        '+999123456',
        '+1234',
        '++14155552671',
        'tel:+14155552671',
        '+14155552671 ext. 5',
      ],
      ...[
        '+14155552671;ext=5',
        '+14155552671x5',
        '+1415555CALL',
        '+٤٤٢٠٧٩٤٦٠٩٥٨',
        '＋442079460958',
        '+44２079460958',
      ],
      ...[
        'call +14155552671',
        `+1415555${' '.repeat(40)}2671`,
        '+1'.repeat(2000),
        '+14155552671,+14155552672',
        '+14155552671 / 14155552672',
        '+14155552671/2',
      ],
    ],
  },
  card: {
    luhn: ['4111111111111112', '4111 1111 1111 1121', '000000000001'],
    not_card: [
      '41111111111',
      '41111111111111111111',
      '4111.1111.1111.1111',
      '٤١١١١١١١١١١١١١١١',
      '４111111111111111',
      '4111\u00a01111\u00a01111\u00a01111',
      '4111\t1111 1111 1111',
      '-',
      '4111x111111111111',
    ],
  },
  iban: {
    not_iban: [
      ...[
        'GB82WEST12345698765433',
        'GB82WEST1234569876543',
        'XX82WEST12345698765432',
        'GB82-WEST-12345698765432',
        'GB',
        '82',
        'ſE4550000000058398257466',
      ],
      // Congruent check digits: 99 for 02, 00 for 97, 01 for 98 all pass mod 97.
      ...aliases('DE'),
    ],
  },
  'us-ssn': {
    not_ssn: [
      '000-12-3456',
      '666-12-3456',
      '900-12-3456',
      '999-12-3456',
      '123-00-4567',
      '123-45-0000',
      '123-456789',
      '12345-6789',
      '123 45 6789',
      '1234567890',
      '12345678',
      '１23-45-6789',
      '123-45-6789\n',
    ],
  },
  date: {
    not_date: [
      '2023-02-29',
      '1900-02-29',
      '2024-13-01',
      '2024-00-10',
      '2024-01-00',
      '2024-04-31',
      '0000-01-01',
      '2024-1-1',
      '20240101',
      '2024-01-01T00:00:00Z',
      '٢٠٢٤-01-01',
      ' 2024-01-01',
      '+002024-01-01',
      '2024-01-01\n',
    ],
  },
  integer: {
    not_integer: [
      '-0',
      '+1',
      '01',
      '1.0',
      '1e3',
      ' 1',
      '0x1',
      '1_000',
      '١',
      '--1',
      '1\n',
      '1'.repeat(20),
    ],
    out_of_range: ['9223372036854775808', '-9223372036854775808', '9999999999999999999'],
  },
  uuid: {
    not_uuid: [
      'f81d4fae7dec11d0a76500a0c91e6bf6',
      '{f81d4fae-7dec-11d0-a765-00a0c91e6bf6}',
      'urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6',
      'g81d4fae-7dec-11d0-a765-00a0c91e6bf6',
      'f81d4fae-7dec-11d0-a765-00a0c91e6bf6\n',
      'f81d4fae-7dec-11d0-a765-00a0c91e6bf',
    ],
  },
  digits: { not_digits: ['12a', '1 2', '-12', '１２３', '٣٣٣', '123\n'], length: ['12', '123456'] },
  pattern: { pattern: ['ab-123456', 'AB-12345', 'xAB-123456', 'AB-123456\n', 'AB-１２３４５６'] },
};

/** A valid IBAN's check digits replaced by their congruent, never assigned spelling. */
function aliases(country: string): string[] {
  const found: string[] = [];
  for (let account = 0; found.length < 3 && account < 1000; account += 1) {
    const bban = `370400440${String(account).padStart(9, '0')}`;
    const number = `${bban}${country.replace(/./g, (letter) => String(letter.charCodeAt(0) - 55))}00`;
    const alias = { 2: '99', 97: '00', 98: '01' }[98 - Number(BigInt(number) % 97n)];
    if (alias !== undefined && !found.some((text) => text.startsWith(country + alias))) {
      found.push(`${country}${alias}${bban}`);
    }
  }
  assert.equal(found.length, 3);
  return found;
}

for (const [kind, rules] of Object.entries(BAD)) {
  for (const [rule, values] of Object.entries(rules)) {
    test(`bad values of type ${kind} are refused as ${rule}`, () => {
      for (const raw of values) {
        assert.throws(
          () => normalise(typeOf(kind as Kind), raw, 4096),
          (error) => error instanceof VaultError && error.problems[0]?.rule === rule,
          JSON.stringify(raw),
        );
      }
    });
  }
}
