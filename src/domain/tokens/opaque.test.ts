import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { drawOpaque, isOpaque, isTokenPrefix } from './opaque.ts';
import { shardOf } from './shard.ts';

const random = (bytes: number): Uint8Array => randomBytes(bytes);
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

test('a token is its prefix and 26 characters, and no two are alike', () => {
  const tokens = Array.from({ length: 10_000 }, () => drawOpaque({ prefix: 'tok', random }));
  assert.equal(new Set(tokens).size, tokens.length);
  assert.ok(tokens.every((token) => isOpaque(token) && /^tok_.{26}$/.test(token)));
});

test('every character of the alphabet appears in every place, with and without a shard', () => {
  for (const shard of [undefined, 7]) {
    const seen = Array.from({ length: 26 }, () => new Set<string>());
    for (let draw = 0; draw < 1_000; draw += 1) {
      const token = drawOpaque({ prefix: 'a', random, ...(shard !== undefined && { shard }) });
      for (const [place, character] of Array.from(token.slice(2)).entries()) {
        seen[place]?.add(character);
      }
    }
    // 1,000 draws miss one of 26 × 32 cases once in 10^11 runs.
    assert.ok(seen.every((characters) => characters.size === 32));
  }
});

test('the 130 bits are five of each random byte, in order', () => {
  const counting = (bytes: number) => Uint8Array.from({ length: bytes }, (_, index) => index + 224);
  assert.equal(drawOpaque({ prefix: 'tok', random: counting }), `tok_${ALPHABET.slice(0, 26)}`);
});

test('a token drawn for a shard lies there, for each of the 256', () => {
  const tokens = new Set<string>();
  for (let shard = 0; shard < 256; shard += 1) {
    const token = drawOpaque({ prefix: 'cust', shard, random });
    assert.equal(shardOf(token), shard);
    assert.ok(isOpaque(token));
    tokens.add(token);
  }
  assert.equal(tokens.size, 256);
});

test('only the exact spelling is a token: no case folding, no aliases, no white space', () => {
  const body = ALPHABET.slice(6);
  assert.ok(isOpaque(`tok_${body}`));
  assert.ok(isOpaque(`a234567890123456_${body}`));
  for (const text of [
    '',
    'tok_',
    `tok_${body.toUpperCase()}`,
    `TOK_${body}`,
    ...'ilouILOU-_=é٣'.split('').map((bad) => `tok_${bad}${body.slice(1)}`),
    `tok_${body.slice(1)}`,
    `tok_${body}0`,
    `tok_${body}\n`,
    ` tok_${body}`,
    `tok${body}`,
    `_${body}`,
    `1tok_${body}`,
    `to-k_${body}`,
    `a2345678901234567_${body}`,
    `tok_${body.slice(1)}\0`,
  ]) {
    assert.equal(isOpaque(text), false, JSON.stringify(text));
  }
});

test('a prefix is a lower-case letter and up to 15 letters or digits', () => {
  assert.deepEqual(
    ['tok', 'a', 'a234567890123456'].filter((text) => !isTokenPrefix(text)),
    [],
  );
  assert.deepEqual(
    ['', '1a', 'A', 'a_b', 'a-b', 'a2345678901234567', 'a\n', 'é'].filter(isTokenPrefix),
    [],
  );
});
