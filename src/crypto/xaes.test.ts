import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { SecretKey } from './secret.ts';
import { makeXaesKey, type XaesKey, xaesOpen, xaesSeal } from './xaes.ts';

// C2SP XAES-256-GCM, section "Test vectors".
const NONCE = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWX');
const VECTORS = [
  {
    name: 'most significant bit of L clear',
    key: '01'.repeat(32),
    derivedKey: 'c8612c9ed53fe43e8e005b828a1631a0bbcb6ab2f46514ec4f439fcfd0fa969b',
    aad: '',
    sealed: 'ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271',
  },
  {
    name: 'most significant bit of L set',
    key: '03'.repeat(32),
    derivedKey: 'e9c621d4cdd9b11b00a6427ad7e559aeedd66b3857646677748f8ca796cb3fd8',
    aad: 'c2sp.org/XAES-256-GCM',
    sealed: '986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d',
  },
];
const PLAINTEXT = Buffer.from('XAES-256-GCM');
const keyOf = (bytes: Buffer) => makeXaesKey(SecretKey.take(bytes));

/** Ciphertext ‖ tag of a message; its nonce stands before it, behind other bytes. */
function sealed(message: { key: XaesKey; nonce: Buffer; plaintext: Buffer; aad: Buffer }): Buffer {
  const { key, nonce, plaintext, aad } = message;
  const target = Buffer.concat([Buffer.alloc(3), nonce, Buffer.alloc(plaintext.length + 16)]);
  xaesSeal({ key, plaintext, aad, target, offset: 3 });
  assert.deepEqual(target.subarray(0, 27), Buffer.concat([Buffer.alloc(3), nonce]));
  return target.subarray(27);
}

/** The plaintext of what `sealed` made. */
function opened(message: { key: XaesKey; nonce: Buffer; sealed: Buffer; aad: Buffer }): Buffer {
  const { key, nonce, aad } = message;
  const whole = Buffer.concat([Buffer.alloc(3), nonce, message.sealed]);
  return xaesOpen({ key, sealed: whole, aad, offset: 3 });
}

function drawn(key: XaesKey): Buffer {
  const nonce = Buffer.alloc(24);
  key.drawNonce(nonce, 0);
  return nonce;
}

/** The derived key of a nonce, in hex. */
const derivedOf = (key: XaesKey, nonce: Buffer): string =>
  key.withDerived(nonce, 0, (derived) =>
    (Buffer.isBuffer(derived) ? derived : derived.export()).toString('hex'),
  );

for (const { name, key: hex, derivedKey, aad: text, sealed: published } of VECTORS) {
  test(`seals and opens the published vector: ${name}`, () => {
    const key = keyOf(Buffer.from(hex, 'hex'));
    const aad = Buffer.from(text);
    assert.equal(derivedOf(key, NONCE), derivedKey);
    assert.equal(
      sealed({ key, nonce: NONCE, plaintext: PLAINTEXT, aad }).toString('hex'),
      published,
    );
    const plaintext = opened({ key, nonce: NONCE, sealed: Buffer.from(published, 'hex'), aad });
    assert.deepEqual(plaintext, PLAINTEXT);
  });
}

test('the accumulated hash over 10,000 random messages is the published one', () => {
  // Worst case per message: 32 + 24 + 1 + 255 + 1 + 255 bytes.
  const stream = createHash('shake128', { outputLength: 10_000 * 568 }).digest();
  assert.equal(stream.subarray(0, 16).toString('hex'), '7f9c2ba4e88f827d616045507605853e');
  let offset = 0;
  const read = (length: number): Buffer => {
    offset += length;
    return Buffer.from(stream.subarray(offset - length, offset));
  };
  // RFC 8446 opaque x<0..255>: one length byte, then the bytes.
  const readVector = (): Buffer => read(read(1).readUInt8(0));
  const accumulated = createHash('shake128', { outputLength: 32 });
  for (let i = 0; i < 10_000; i += 1) {
    const key = keyOf(read(32));
    const nonce = read(24);
    const plaintext = readVector();
    const aad = readVector();
    const message = sealed({ key, nonce, plaintext, aad });
    assert.ok(opened({ key, nonce, sealed: message, aad }).equals(plaintext));
    accumulated.update(message);
  }
  assert.equal(
    accumulated.digest('hex'),
    'e6b9edf2df6cec60c8cbd864e2211b597fb69a529160cd040d56c0c210081939',
  );
});

test('one prepared key seals many messages independently of their order', () => {
  const shared = keyOf(Buffer.alloc(32, 9));
  for (let i = 0; i < 50; i += 1) {
    const nonce = Buffer.alloc(24, i);
    const message = { nonce, plaintext: PLAINTEXT, aad: NONCE };
    const fresh = keyOf(Buffer.alloc(32, 9));
    assert.deepEqual(sealed({ key: shared, ...message }), sealed({ key: fresh, ...message }));
  }
});

test('every flipped bit of sealed bytes, nonce or associated data is refused', () => {
  const key = keyOf(Buffer.alloc(32, 5));
  const aad = Buffer.from('aad');
  const nonce = drawn(key);
  const original = { nonce, sealed: sealed({ key, nonce, plaintext: PLAINTEXT, aad }), aad };
  for (const part of ['nonce', 'sealed', 'aad'] as const) {
    for (let bit = 0; bit < original[part].length * 8; bit += 1) {
      const altered = Buffer.from(original[part]);
      altered[bit >> 3] = altered.readUInt8(bit >> 3) ^ (1 << (bit & 7));
      assert.throws(() => opened({ key, ...original, [part]: altered }), {
        code: 'internal',
        message: 'decryption failed',
      });
    }
  }
});

test('what is too short for a nonce and a tag is refused, as is a target without room', () => {
  const key = keyOf(Buffer.alloc(32, 5));
  const aad = Buffer.alloc(0);
  for (const length of [0, 1, 23, 24, 39, 42]) {
    assert.throws(() => xaesOpen({ key, sealed: Buffer.alloc(length), aad, offset: 3 }), {
      message: 'decryption failed',
    });
  }
  for (const length of [0, 24, 24 + 12 + 16 + 2]) {
    const target = Buffer.alloc(length);
    assert.throws(() => xaesSeal({ key, plaintext: PLAINTEXT, aad, target, offset: 3 }), {
      code: 'internal',
    });
    assert.deepEqual(target, Buffer.alloc(length));
  }
});

test('1,024 messages in a row share a derived key, then comes another one; no nonce ever repeats', () => {
  const key = keyOf(Buffer.alloc(32, 6));
  const nonces = Array.from({ length: 3 * 1_024 }, () => drawn(key).toString('hex'));
  const prefixes = nonces.map((nonce) => nonce.slice(0, 24));
  for (const [index, prefix] of prefixes.entries()) {
    assert.equal(prefix, prefixes[index - (index % 1_024)]);
  }
  assert.equal(new Set(prefixes).size, 3);
  assert.equal(new Set(nonces.map((nonce) => nonce.slice(24))).size, nonces.length);
});

test('a key object that seals by a remembered derived key seals as one that derives it', () => {
  const key = keyOf(Buffer.alloc(32, 6));
  const aad = Buffer.from('aad');
  for (let i = 0; i < 1_030; i += 1) {
    const nonce = drawn(key);
    const message = { nonce, plaintext: PLAINTEXT, aad };
    const other = keyOf(Buffer.alloc(32, 6));
    assert.equal(derivedOf(key, nonce), derivedOf(other, nonce));
    assert.deepEqual(sealed({ key, ...message }), sealed({ key: other, ...message }));
  }
});

test('two keys share neither prefixes nor derived keys, whosever nonce it is', () => {
  const [one, other] = [keyOf(Buffer.alloc(32, 1)), keyOf(Buffer.alloc(32, 2))];
  const [ofOne, ofOther] = [drawn(one), drawn(other)];
  assert.notDeepEqual(ofOne.subarray(0, 12), ofOther.subarray(0, 12));
  const derived = [one, other].flatMap((key) => [derivedOf(key, ofOne), derivedOf(key, ofOther)]);
  assert.equal(new Set(derived).size, 4);
  const again = keyOf(Buffer.alloc(32, 1));
  assert.notDeepEqual(drawn(again).subarray(0, 12), ofOne.subarray(0, 12));
  assert.equal(derivedOf(again, ofOne), derived[0]);
});

test('a derived key that was lent for one message is wiped', () => {
  const key = keyOf(Buffer.alloc(32, 6));
  const lent = key.withDerived(NONCE, 0, (derived) => derived);
  assert.ok(Buffer.isBuffer(lent) && lent.every((byte) => byte === 0));
});
