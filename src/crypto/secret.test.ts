import assert from 'node:assert/strict';
import { createSecretKey, generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { format, inspect } from 'node:util';
import pino from 'pino';
import { SecretBytes, SecretKey } from './secret.ts';

const TEXT = 'canary-secret-of-32-bytes-exactly';
const BYTES = () => Buffer.from(TEXT).subarray(0, 32);

/** Every way in which code might print a value by accident. */
function everyPrint(secret: SecretKey | SecretBytes): string[] {
  const lines: string[] = [];
  const log = pino({ level: 'info' }, { write: (line: string) => lines.push(line) });
  log.info({ secret, nested: { deep: [secret] } }, 'event');
  log.error(new Error(`failed with ${secret}`, { cause: secret }));
  const thrown = new Error('failed', { cause: { secret } });
  return [
    ...lines,
    `${secret}`,
    String(secret),
    JSON.stringify(secret),
    JSON.stringify({ nested: [secret] }),
    inspect(secret, { showHidden: true, depth: 10, getters: true }),
    inspect({ nested: [secret] }, { showHidden: true, depth: 10 }),
    inspect(thrown, { showHidden: true, depth: 10 }),
    format('%s %o %O %j', secret, secret, secret, secret),
    JSON.stringify(Object.getOwnPropertyDescriptors(secret)),
    inspect({ ...secret }, { showHidden: true }),
    inspect(structuredClone({ ...secret })),
  ];
}

/** The bytes in the encodings that a printer may choose. */
function encodingsOf(bytes: Buffer): string[] {
  const decimals = [...bytes.subarray(0, 6)];
  return [
    bytes.toString('utf8'),
    bytes.toString('hex'),
    bytes.toString('base64').slice(0, 40),
    decimals.join(','),
    decimals.join(', '),
    [...bytes.subarray(0, 6)].map((byte) => byte.toString(16)).join(' '),
  ];
}

for (const [name, secret] of [
  ['a secret key', SecretKey.take(BYTES())],
  ['secret bytes', new SecretBytes(BYTES())],
] as const) {
  test(`${name} never prints its bytes, whatever prints it`, () => {
    for (const printed of everyPrint(secret)) {
      for (const encoding of encodingsOf(BYTES())) {
        assert.ok(!printed.includes(encoding), `printed as ${encoding}`);
      }
    }
    assert.match(`${secret}`, /^\[secret (key|bytes)\]$/);
  });
}

test('the search for printed bytes finds them in an unprotected buffer', () => {
  const printed = JSON.stringify(BYTES()) + inspect(BYTES());
  assert.ok(encodingsOf(BYTES()).some((encoding) => printed.includes(encoding)));
});

test('taking a key wipes the bytes it came in, also when it is refused', () => {
  const good = Buffer.alloc(32, 7);
  assert.equal(SecretKey.take(good).keyObject().export().toString('hex'), '07'.repeat(32));
  assert.deepEqual(good, Buffer.alloc(32));
  for (const length of [0, 16, 31, 33]) {
    const bad = Buffer.alloc(length, 7);
    assert.throws(() => SecretKey.take(bad), { code: 'internal' });
    assert.deepEqual(bad, Buffer.alloc(length));
  }
});

test('wiped secret bytes are gone and refuse to be read', () => {
  const bytes = BYTES();
  const secret = new SecretBytes(bytes);
  assert.equal(secret.reveal(), bytes);
  secret.wipe();
  secret.wipe();
  assert.deepEqual(bytes, Buffer.alloc(32));
  assert.throws(() => secret.reveal(), { code: 'internal' });
});

test('a key that another thread handed over is the same key, and never one of another kind', () => {
  const key = SecretKey.take(BYTES());
  assert.ok(SecretKey.from(structuredClone(key.keyObject())).keyObject().equals(key.keyObject()));
  const others = [createSecretKey(Buffer.alloc(16)), generateKeyPairSync('ed25519').privateKey];
  for (const other of others) {
    assert.throws(() => SecretKey.from(other), { code: 'internal' });
  }
});
