import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isTokenText, sivPrefixOf } from './recognise.ts';

test('what may be asked of the store: 1 to 256 printable ASCII characters, no ~ in front', () => {
  for (const text of ['a', '0', 'x'.repeat(256), 'a~b', '(030) 123', '!', 'note~1.AA', '-5']) {
    assert.ok(isTokenText(text), text);
  }
  for (const text of ['', 'x'.repeat(257), '~a', 'a\n', 'a\0', 'é', '٣', '😀', 'a\u007f', '\ta']) {
    assert.equal(isTokenText(text), false, JSON.stringify(text));
  }
});

test('every canonical spelling of a computed token is recognised, with its prefix', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 16, maxLength: 200 }),
      fc.integer({ min: 1, max: 2 ** 32 - 1 }),
      fc.stringMatching(/^[a-z][a-z0-9]{0,15}$/),
      (bytes, version, prefix) => {
        const body = Buffer.from(bytes).toString('base64url');
        assert.equal(sivPrefixOf(`${prefix}~${version}.${body}`), prefix);
      },
    ),
    { numRuns: 1000 },
  );
});

test('one token has one spelling: bytes decoded and encoded again give the same text', () => {
  const anyBody = fc.stringMatching(/^[A-Za-z0-9_-]{22,40}$/);
  fc.assert(
    fc.property(anyBody, (body) => {
      const isCanonical = Buffer.from(body, 'base64url').toString('base64url') === body;
      assert.equal(sivPrefixOf(`note~1.${body}`), isCanonical ? 'note' : undefined);
    }),
    { numRuns: 3000 },
  );
});

test('anything else is no computed token', () => {
  const body = 'A'.repeat(22);
  assert.equal(sivPrefixOf(`note~1.${body}`), 'note');
  for (const text of [
    '',
    'note',
    `note_1.${body}`,
    `note~0.${body}`,
    `note~01.${body}`,
    `note~4294967296.${body}`,
    `note~-1.${body}`,
    `note~1.${body}==`,
    `note~1.${body}+`,
    `note~1.${body.slice(1)}`,
    `note~1.${body}\n`,
    `Note~1.${body}`,
    `~1.${body}`,
    `${'n'.repeat(17)}~1.${body}`,
    `note~1${body}`,
    `note~٣.${body}`,
  ]) {
    assert.equal(sivPrefixOf(text), undefined, JSON.stringify(text));
  }
});
