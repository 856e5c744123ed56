import assert from 'node:assert/strict';
import { hash, sign } from 'node:crypto';
import { test } from 'node:test';
import { refusal } from '../../test/helpers/tlog.ts';
import { isKeyName } from './key-text.ts';
import {
  generateSigningKey,
  makeCosigner,
  makeNoteSigner,
  parseSigningKey,
} from './signing-key.ts';
import { formatVerifierKey, parseVerifierKey } from './verifier-key.ts';

// The test key that transparency-dev/tessera publishes with its test log; a witness key; signed-note's.
const SIGNING_KEY =
  'PRIVATE+KEY+example.com/log/testdata+33d7b496+AeymY/SZAX0jZcJ8enZ5FY1Dz+wTML2yWSkK+9DSF3eg';
const LOG_KEY = 'example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx';
const WITNESS_KEY = 'remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2';
const FOO_KEY = 'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k';

const invalid = refusal('key_invalid');

/** All ways to cut this text, and to replace or insert one character. */
function mangled(text: string): Set<string> {
  const all = new Set<string>();
  for (let at = 0; at < text.length; at += 1) {
    const [before, rest] = [text.slice(0, at), text.slice(at + 1)];
    all.add(before).add(rest).add(`${before}${rest}`);
    for (const other of ['A', 'b', '0', '+', '/', '=', ' ', '\n', 'é']) {
      all.add(`${before}${other}${rest}`).add(`${before}${other}${text.slice(at)}`);
    }
  }
  for (const end of ['A', '=', ' ', '\n']) {
    all.add(`${text}${end}`);
  }
  all.delete(text);
  return all;
}

test('published public keys of both types read and write alike', () => {
  for (const [text, name, type] of [
    [LOG_KEY, 'example.com/log/testdata', 'ed25519'],
    [FOO_KEY, 'example.com/foo', 'ed25519'],
    [WITNESS_KEY, 'remora.n621.de', 'cosignature'],
  ] as const) {
    const verifier = parseVerifierKey(text);
    assert.deepEqual([verifier.name, verifier.type], [name, type]);
    assert.equal(formatVerifierKey(verifier), text);
  }
});

test('the published private key has the published public key', () => {
  const signer = makeNoteSigner(parseSigningKey(SIGNING_KEY));
  assert.equal(signer.verifierKey, LOG_KEY);
  assert.equal(signer.keyId, '33d7b496');
});

test('a key with anything changed, cut or added is refused', () => {
  for (const text of mangled(LOG_KEY)) {
    assert.throws(() => parseVerifierKey(text), invalid, text);
  }
  for (const text of mangled(SIGNING_KEY)) {
    assert.throws(() => parseSigningKey(text), invalid, text);
  }
});

test('key types that are not used here are refused, with the right id too', () => {
  const { name, publicKey } = parseVerifierKey(FOO_KEY);
  const forType = (byte: number) => {
    const key = Buffer.concat([Buffer.of(byte), publicKey]).toString('base64');
    return `${name}+${FOO_KEY.split('+')[1]}+${key}`;
  };
  assert.equal(forType(1), FOO_KEY);
  for (const byte of [0, 2, 3, 5, 6, 0xff]) {
    assert.throws(() => parseVerifierKey(forType(byte)), invalid);
  }
  // Same bytes under the other type have another id.
  assert.throws(() => parseVerifierKey(forType(4)), invalid);
});

test('a new key signs what its public half verifies, and nothing else', () => {
  const key = parseSigningKey(generateSigningKey('log.example/one'));
  const signer = makeNoteSigner(key);
  const verifier = parseVerifierKey(signer.verifierKey);
  const blob = signer.sign('text\n');
  assert.ok(verifier.verify('text\n', blob));
  assert.ok(!verifier.verify('text', blob));
  assert.ok(!verifier.verify('text\n', blob.subarray(0, 63)));
  assert.ok(!verifier.verify('text\n', Buffer.concat([blob, Buffer.alloc(1)])));
  assert.ok(!parseVerifierKey(LOG_KEY).verify('text\n', blob));
});

test('a cosignature binds its time and the text, and is no log signature', () => {
  const key = parseSigningKey(generateSigningKey('witness.example/w1'));
  const cosigner = makeCosigner(key, () => 1_679_315_147);
  const verifier = parseVerifierKey(cosigner.verifierKey);
  const blob = cosigner.sign('text\n');
  assert.equal(blob.readBigUInt64BE(), 1_679_315_147n);
  assert.ok(verifier.verify('text\n', blob));
  assert.ok(!verifier.verify('other\n', blob));
  const later = Buffer.from(blob);
  later.writeBigUInt64BE(1_679_315_148n);
  assert.ok(!verifier.verify('text\n', later));
  // Domain separation: the message that was signed cannot be passed off as a note.
  const log = parseVerifierKey(makeNoteSigner(key).verifierKey);
  assert.notEqual(log.keyId, verifier.keyId);
  assert.ok(!log.verify('text\n', blob.subarray(8)));
});

test('a witness can state any time below 2^53 seconds, and no other is believed', () => {
  const key = parseSigningKey(generateSigningKey('w'));
  const verify = (time: number) => {
    const cosigner = makeCosigner(key, () => time);
    return parseVerifierKey(cosigner.verifierKey).verify('text\n', cosigner.sign('text\n'));
  };
  assert.ok(verify(0));
  assert.ok(verify(Number.MAX_SAFE_INTEGER));
  for (const time of [-1, 1.5, 2 ** 53, Number.NaN]) {
    assert.throws(() => verify(time), refusal('number_invalid'));
  }
  // Both well signed, by the text of the specification; the second time is no exact number.
  const { verifierKey } = makeCosigner(key, () => 0);
  for (const [time, believed] of [
    [2n ** 53n - 1n, true],
    [2n ** 53n, false],
  ] as const) {
    const header = Buffer.alloc(8);
    header.writeBigUInt64BE(time);
    const message = Buffer.from(`cosignature/v1\ntime ${time}\ntext\n`);
    const blob = Buffer.concat([header, sign(undefined, message, key.privateKey)]);
    assert.equal(parseVerifierKey(verifierKey).verify('text\n', blob), believed);
  }
});

test('names that a note could not hold name no key', () => {
  for (const name of ['a', 'example.com/log', 'münchen.example', '名', 'a-b_c.d:9', '\u{1f511}']) {
    assert.ok(isKeyName(name), name);
    assert.equal(parseSigningKey(generateSigningKey(name)).name, name);
  }
  const spaces = [' ', '\t', '\n', '\r', '\u0085', '\u00a0', '\u2003', '\u2028', '\u3000'];
  for (const bad of [...spaces, '+', '\0', '\u001f', '\ud800']) {
    assert.ok(!isKeyName(`a${bad}b`), JSON.stringify(bad));
    assert.throws(() => generateSigningKey(`a${bad}b`), invalid);
  }
  assert.throws(() => generateSigningKey(''), invalid);
});

test('a public key of another length is refused, with the right id too', () => {
  for (const bytes of [0, 31, 33, 64]) {
    const key = Buffer.concat([Buffer.of(1), Buffer.alloc(bytes, 7)]);
    const id = hash('sha256', Buffer.concat([Buffer.from('a\n'), key]), 'hex').slice(0, 8);
    const read = () => parseVerifierKey(`a+${id}+${key.toString('base64')}`);
    assert.throws(read, invalid, String(bytes));
  }
});

test('a public key of another length is not written', () => {
  const publicKey = Buffer.alloc(31);
  assert.throws(() => formatVerifierKey({ name: 'a', type: 'ed25519', publicKey }), invalid);
});
