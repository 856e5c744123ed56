import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { makeTestOperations } from '../../test/helpers/operations.ts';
import { allCall, type FieldText, isAllowedField, policyOf } from '../../test/helpers/policies.ts';
import type { TokenMode } from '../domain/policy/policy.ts';
import { FORMAT_KINDS, type FormatKind } from '../domain/tokens/format.ts';
import { isOpaque } from '../domain/tokens/opaque.ts';
import { normalise } from '../domain/values/normalise.ts';
import type { ValueType } from '../domain/values/types.ts';

const MODES: readonly TokenMode[] = ['random', 'deterministic', 'fpe', 'siv', 'volatile'];

/** A type as a policy has it, and values of it that fit all formats, in spellings of their own. */
type TypeRow = { options?: object; values: fc.Arbitrary<string> };

const TYPES: Record<ValueType['kind'], TypeRow> = {
  text: { values: fc.stringMatching(/^[0-9]{3}-[0-9]{3} [0-9]{6,9}$/) },
  email: { values: fc.stringMatching(/^[a-z]{5,9}[0-9]{4}@[A-Za-z]{6}\.com$/) },
  phone: { values: fc.stringMatching(/^\+(1 650 253 [0-9]{4}|49 30 [1-9][0-9]{6})$/) },
  card: { values: fc.stringMatching(/^4[0-9]{14}$/).map(withLuhn) },
  iban: { values: fc.stringMatching(/^[0-9]{18}$/).map(germanIban) },
  'us-ssn': {
    values: fc.stringMatching(/^[1-5][0-9]{2}-[0-9][1-9]-[0-9]{3}[1-9]$/),
  },
  date: { values: fc.stringMatching(/^(19|20)[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])$/) },
  integer: { values: fc.bigInt({ min: 10n ** 9n, max: 10n ** 12n }).map(String) },
  uuid: { values: fc.uuid().map((text) => text.toUpperCase()) },
  digits: { options: { length: [12, 16] }, values: fc.stringMatching(/^[0-9]{12,16}$/) },
  pattern: { options: { pattern: '[0-9]{8,12}' }, values: fc.stringMatching(/^[0-9]{8,12}$/) },
};

const OPTIONS: Partial<Record<FormatKind, object>> = {
  card: { keepLast: 4 },
  custom: { alphabet: '9876543210zyxwvutsrqponmlkjihgfedcbaZYXWVUTSRQPONMLKJIHGFEDCBA' },
};

/** ISO/IEC 7812-1 Annex B: the digits with their check digit. */
function withLuhn(digits: string): string {
  const sum = [...digits].reverse().reduce((total, digit, index) => {
    const doubled = index % 2 === 0 ? Number(digit) * 2 : Number(digit);
    return total + (doubled > 9 ? doubled - 9 : doubled);
  }, 0);
  const all = `${digits}${(10 - (sum % 10)) % 10}`;
  return `${all.slice(0, 4)} ${all.slice(4)}`;
}

/** ISO 13616: `DE` and check digits before the account; D is 13, E is 14. */
function germanIban(account: string): string {
  const check = 98n - (BigInt(`${account}131400`) % 97n);
  return `de${String(check).padStart(2, '0')} ${account}`;
}

/** Every combination of type, format and mode that the linter lets pass. */
function allowedFields(): { [name: string]: FieldText } {
  const fields: { [name: string]: FieldText } = {};
  for (const [type, { options }] of Object.entries(TYPES)) {
    for (const format of FORMAT_KINDS) {
      for (const mode of MODES) {
        const field = { type, ...options, token: { mode, format, ...OPTIONS[format] } };
        if (isAllowedField(field)) fields[`${type}-${format}-${mode}`] = field;
      }
    }
  }
  return fields;
}

const FIELDS = allowedFields();
const { operations, vault } = makeTestOperations(policyOf(FIELDS));

test('every mode, format and type is part of some combination that the linter lets pass', () => {
  const fields = Object.values(FIELDS);
  const formats = new Set(fields.map(({ token }) => token['format']));
  const modes = new Set(fields.map(({ token }) => token['mode']));
  const types = new Set(fields.map(({ type }) => type));
  assert.deepEqual([formats.size, modes.size, types.size], [12, 5, 11]);
});

/** Swaps one value there and back, twice; gives its normal form and its tokens. */
async function roundTrip(name: string, value: string) {
  const field = vault.policy.fields.get(name) ?? assert.fail();
  const normal = normalise(field.type, value, field.maxBytes);
  const tokens: string[] = [];
  for (const spelling of [value, normal]) {
    const { output } = await operations.tokenize(allCall, { field: name, value: spelling });
    const ask = { token: output.token, field: name };
    const { output: back } = await operations.detokenize(allCall, ask);
    assert.deepEqual(back, { value: normal, field: name, view: 'full' });
    tokens.push(output.token);
  }
  return { normal, tokens };
}

for (const [name, { type, token }] of Object.entries(FIELDS)) {
  const { values } = TYPES[type as ValueType['kind']];
  const isEqual = token['mode'] !== 'random' && token['mode'] !== 'volatile';
  test(`${name}: a value comes back in its normal form, and no two values share a token`, async () => {
    /** Token → the normal form that it stands for. */
    const owners = new Map<string, string>();
    await fc.assert(
      fc.asyncProperty(values, async (value) => {
        const { normal, tokens } = await roundTrip(name, value);
        const [first = '', second] = tokens;
        assert.equal(first === second, isEqual);
        for (const each of new Set(tokens)) {
          const owner = owners.get(each);
          assert.ok(owner === undefined || (isEqual && owner === normal));
          owners.set(each, normal);
          const isStored = token['mode'] !== 'fpe' && token['mode'] !== 'siv';
          if (isStored) assert.notEqual(each, normal);
          if (token['mode'] === 'volatile') assert.ok(isOpaque(each));
        }
      }),
      { numRuns: 6 },
    );
  });
}
