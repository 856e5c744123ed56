import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { VaultError } from './errors.ts';
import { parseStrictJson } from './json.ts';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

/** The rule that a body is refused with; fails when it is accepted, or when the error keeps anything else. */
function ruleOf(body: string | Uint8Array, maxDepth?: number): string | undefined {
  try {
    parseStrictJson(typeof body === 'string' ? bytesOf(body) : body, maxDepth);
  } catch (error) {
    assert.ok(error instanceof VaultError);
    assert.equal(error.code, 'invalid_request');
    assert.equal(error.cause, undefined);
    assert.equal(error.message, 'The request is malformed');
    assert.deepEqual(Object.keys(error.problems[0] ?? {}), ['path', 'rule']);
    return error.problems[0]?.rule;
  }
  return assert.fail('accepted');
}

/** False for a document with an integer that a double cannot hold: those are refused. */
function hasExactNumbers(text: string): boolean {
  let exact = true;
  JSON.parse(text, (_key, value) => {
    exact &&= !Number.isInteger(value) || Number.isSafeInteger(value);
    return value;
  });
  return exact;
}

test('reads what JSON.parse reads', () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 8, stringUnit: 'binary' }), (text) => {
      fc.pre(!text.includes('__proto__') && hasExactNumbers(text));
      assert.deepEqual(parseStrictJson(bytesOf(text)), JSON.parse(text));
    }),
  );
});

test('reads escapes, white space, scalars and keys that look like methods', () => {
  const text =
    ' {"a\\"]:{":"\\\\","constructor":[1e2,-0.5,true,null],"":"\\ud83d\\ude00:\\u0000"}\r\n\t';
  assert.deepEqual(parseStrictJson(bytesOf(text)), JSON.parse(text));
  assert.equal(parseStrictJson(bytesOf('null')), null);
  assert.equal(parseStrictJson(bytesOf('"x"')), 'x');
});

test('refuses a key given twice, however it is spelled and wherever it stands', () => {
  for (const body of [
    '{"a":1,"a":1}',
    '{"a":1,"\\u0061":2}',
    '{"x":[{"y":{"a":1,"b":2,"a":3}}]}',
    '{"a":{"b":1,"c":2},"a":{"b":3}}',
    '{"😀":1,"\\ud83d\\ude00":2}',
    '{"":1,"":2}',
    '{"constructor":1,"constructor":2}',
    '{"1":1,"1":2}',
  ]) {
    assert.equal(ruleOf(body), 'json_duplicate_key', body);
  }
  assert.deepEqual(parseStrictJson(bytesOf('[{"a":1},{"a":2},{"b":{"b":1}},"a:a:a"]')), [
    { a: 1 },
    { a: 2 },
    { b: { b: 1 } },
    'a:a:a',
  ]);
});

test('refuses a duplicate planted anywhere in any document', () => {
  const key = fc.string({ maxLength: 3 }).filter((text) => text !== '__proto__');
  fc.assert(
    fc.property(key, fc.json(), fc.json(), fc.json(), (name, first, second, around) => {
      const parts = [first, second, around];
      fc.pre(parts.every((text) => !text.includes('__proto__') && hasExactNumbers(text)));
      const twice = `{${JSON.stringify(name)}:${first},${JSON.stringify(name)}:${second}}`;
      assert.equal(ruleOf(`[${around},${twice}]`), 'json_duplicate_key');
    }),
  );
});

test('refuses lone surrogates in strings and keys', () => {
  for (const body of [
    '"\\ud800"',
    '["\\udc00\\ud800"]',
    '{"\\uDFFF":1}',
    '{"a":{"b":["x\\ud83d"]}}',
  ]) {
    assert.equal(ruleOf(body), 'json_lone_surrogate', body);
  }
});

test('refuses what is not UTF-8, and a byte order mark', () => {
  for (const bytes of [
    [0x22, 0xff, 0x22],
    [0x22, 0xc0, 0x80, 0x22],
    [0x22, 0xed, 0xa0, 0x80, 0x22],
    [0x22, 0xe2, 0x82],
  ]) {
    assert.equal(ruleOf(Uint8Array.from(bytes)), 'json_utf8');
  }
  assert.equal(ruleOf('\ufeff{}'), 'json_syntax');
  assert.equal(ruleOf(Uint8Array.from([0xff, 0xfe, 0x7b, 0, 0x7d, 0])), 'json_utf8');
});

test('reads 32 levels and refuses 33, before anything recurses', () => {
  const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);
  const objects = (levels: number) => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`;
  assert.doesNotThrow(() => parseStrictJson(bytesOf(nested(32))));
  assert.doesNotThrow(() => parseStrictJson(bytesOf(objects(32))));
  assert.equal(ruleOf(nested(33)), 'json_depth');
  assert.equal(ruleOf(objects(33)), 'json_depth');
  assert.equal(ruleOf('['.repeat(4_000_000)), 'json_depth');
  assert.equal(ruleOf('[[]]', 1), 'json_depth');
  // Brackets in strings and siblings add no level.
  assert.doesNotThrow(() =>
    parseStrictJson(bytesOf(`["${'['.repeat(100)}\\"[", ${'[],'.repeat(99)}[]]`)),
  );
});

test('refuses more entries than any request needs, before anything is built of them', () => {
  const items = (count: number) => `[${'0,'.repeat(count - 1)}0]`;
  assert.doesNotThrow(() => parseStrictJson(bytesOf(items(100_000))));
  assert.equal(ruleOf(items(100_001)), 'json_size');
  const members = Array.from({ length: 100_001 }, (_, at) => `"${at}":0`).join(',');
  assert.equal(ruleOf(`{${members}}`), 'json_size');
  // Commas in strings separate nothing.
  assert.doesNotThrow(() => parseStrictJson(bytesOf(`["${','.repeat(200_000)}"]`)));
});

test('refuses the key that would set a prototype', () => {
  for (const body of ['{"__proto__":{}}', '[{"a":{"__proto__":1}}]', '{"\\u005f_proto__":1}']) {
    assert.equal(ruleOf(body), 'json_forbidden_key', body);
  }
  assert.equal(parseStrictJson(bytesOf('"__proto__"')), '__proto__');
});

test('refuses numbers that no number can hold', () => {
  assert.equal(ruleOf('{"a":[1e999]}'), 'json_number');
  assert.equal(ruleOf('-1e999'), 'json_number');
  assert.equal(ruleOf('{"a":9007199254740993}'), 'json_number');
  assert.equal(parseStrictJson(bytesOf('9007199254740991')), Number.MAX_SAFE_INTEGER);
});

test('refuses other syntax errors and keeps nothing of the text', () => {
  for (const body of [
    '',
    ' ',
    '{',
    '}',
    '{"a"}',
    '{a:1}',
    "{'a':1}",
    '[1,]',
    '01',
    '"\n"',
    '"',
    '"\\"',
    '{}{}',
    'NaN',
    '//x\n1',
    '"\\x41"',
    ']',
    '{"a"::1}',
  ]) {
    assert.equal(ruleOf(body), 'json_syntax', body);
  }
});

test('throws nothing but its own error, whatever the bytes', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array({ maxLength: 40 }),
        fc.string({ unit: fc.constantFrom(...'{}[]":,\\u0d8') }).map(bytesOf),
      ),
      (bytes) => {
        try {
          parseStrictJson(bytes);
        } catch (error) {
          assert.ok(error instanceof VaultError && error.code === 'invalid_request');
        }
      },
    ),
    { numRuns: 2000 },
  );
});
