import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { formatOf } from '../../../test/helpers/token-formats.ts';
import { FORMAT_KINDS } from './format.ts';
import { FORMATS } from './formats.ts';
import { renderTokenFormats } from './render-docs.ts';

test('docs/token-formats.md says what the table of formats says (else: npm run gen)', () => {
  const file = join(import.meta.dirname, '../../../docs/token-formats.md');
  assert.equal(readFileSync(file, 'utf8'), renderTokenFormats());
});

test('every example is a token of its format as a policy gets it by default', () => {
  for (const kind of FORMAT_KINDS) {
    const { about, types } = FORMATS[kind];
    const token = { format: kind, ...(kind === 'custom' && { alphabet: 'ACGT' }) };
    const type = { type: types.find((name) => name === 'text') ?? types[0] ?? '' };
    assert.ok(formatOf(token, type).matches(about.example), kind);
  }
});

test('there is one row per format, in the order of the list', () => {
  assert.deepEqual(Object.keys(FORMATS), [...FORMAT_KINDS]);
});
