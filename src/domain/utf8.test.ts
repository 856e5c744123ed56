import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { utf8Length } from './utf8.ts';

test('is the length that the encoder gives', () => {
  assert.equal(utf8Length('aé€😀\u07ff\u0800\uffff\0'), 1 + 2 + 3 + 4 + 2 + 3 + 3 + 1);
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      assert.equal(utf8Length(text), new TextEncoder().encode(text).length);
    }),
  );
});
