import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildDecrypt } from '@aws-crypto/decrypt-node';
import { buildEncrypt } from '@aws-crypto/encrypt-node';
import {
  AlgorithmSuiteIdentifier,
  CommitmentPolicy,
  MultiKeyringNode,
} from '@aws-crypto/material-management-node';
import { RawAesKeyringNode, RawAesWrappingSuiteIdentifier } from '@aws-crypto/raw-aes-keyring-node';
import { type KeyContext, makeKeyring, rootKeyId } from './keyring.ts';
import { SecretBytes } from './secret.ts';

const CONTEXT: KeyContext = { app: 'counterfoil', vault: '1', purpose: 'seal', version: '1' };
const rootKey = (n = 1, length = 32) => new SecretBytes(Buffer.alloc(length, n));
const DATA_KEY = Buffer.alloc(32, 0x5a);
const REFUSED = { name: 'VaultError', code: 'key_unavailable' };

/** A keyring like ours over the same root key, for messages that ours would never make. */
function rawKeyring(n = 1): RawAesKeyringNode {
  return new RawAesKeyringNode({
    keyName: rootKeyId(rootKey(n)),
    keyNamespace: 'counterfoil',
    unencryptedMasterKey: new Uint8Array(32).fill(n),
    wrappingSuite: RawAesWrappingSuiteIdentifier.AES256_GCM_IV12_TAG16_NO_PADDING,
  });
}
/** The SDK as it is without our options. */
const clientOf = (policy: CommitmentPolicy) => ({
  ...buildEncrypt(policy),
  ...buildDecrypt(policy),
});
const lax = clientOf(CommitmentPolicy.FORBID_ENCRYPT_ALLOW_DECRYPT);
const strict = clientOf(CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT);
const encryptionContext = { ...CONTEXT };
const COMMITTING = AlgorithmSuiteIdentifier.ALG_AES256_GCM_IV12_TAG16_HKDF_SHA512_COMMIT_KEY;

test('a wrapped key unwraps to the same key, in every keyring over the same root key', async () => {
  const wrapped = await makeKeyring({ rootKey: rootKey() }).wrap(DATA_KEY, CONTEXT);
  assert.ok(!wrapped.includes(DATA_KEY.subarray(0, 8)));
  const key = await makeKeyring({ rootKey: rootKey() }).unwrap(wrapped, CONTEXT);
  assert.deepEqual(key.keyObject().export(), DATA_KEY);
});

test('wrapping neither changes the data key nor gives the same bytes twice', async () => {
  const keyring = makeKeyring({ rootKey: rootKey() });
  const first = await keyring.wrap(DATA_KEY, CONTEXT);
  assert.deepEqual(DATA_KEY, Buffer.alloc(32, 0x5a));
  assert.notDeepEqual(await keyring.wrap(DATA_KEY, CONTEXT), first);
});

test('the keyring neither wipes nor needs the root key that it was made from', async () => {
  const root = rootKey(3);
  const keyring = makeKeyring({ rootKey: root });
  assert.deepEqual(root.reveal(), Buffer.alloc(32, 3));
  root.wipe();
  const wrapped = await keyring.wrap(DATA_KEY, CONTEXT);
  await keyring.unwrap(wrapped, CONTEXT);
  await makeKeyring({ rootKey: rootKey(3) }).unwrap(wrapped, CONTEXT);
});

test('a key does not unwrap as anything else than what it was wrapped for', async () => {
  const keyring = makeKeyring({ rootKey: rootKey() });
  const wrapped = await keyring.wrap(DATA_KEY, CONTEXT);
  for (const member of Object.keys(CONTEXT)) {
    for (const value of ['2', '', 'SEAL']) {
      const asked = { ...CONTEXT, [member]: value };
      await assert.rejects(keyring.unwrap(wrapped, asked), REFUSED, member);
    }
  }
});

test('a message with more context than asked for is refused', async () => {
  const { result } = await strict.encrypt(rawKeyring(), DATA_KEY, {
    suiteId: COMMITTING,
    encryptionContext: { ...CONTEXT, more: 'x' },
  });
  await assert.rejects(makeKeyring({ rootKey: rootKey() }).unwrap(result, CONTEXT), REFUSED);
});

test('another root key is refused, and the log can tell it from damage', async () => {
  const keyring = makeKeyring({ rootKey: rootKey(1) });
  const wrapped = await keyring.wrap(DATA_KEY, CONTEXT);
  const other = makeKeyring({ rootKey: rootKey(2) });
  assert.notEqual(other.id, keyring.id);
  await assert.rejects(other.unwrap(wrapped, CONTEXT), { ...REFUSED, message: /another root key/ });
  const damaged = Buffer.from(wrapped);
  damaged[damaged.length - 1] = damaged.readUInt8(damaged.length - 1) ^ 1;
  await assert.rejects(keyring.unwrap(damaged, CONTEXT), { ...REFUSED, message: /does not open/ });
});

test('every flipped byte and every truncation is refused', async () => {
  const keyring = makeKeyring({ rootKey: rootKey() });
  const wrapped = await keyring.wrap(DATA_KEY, CONTEXT);
  for (let at = 0; at < wrapped.length; at += 1) {
    const altered = Buffer.from(wrapped);
    altered[at] = altered.readUInt8(at) ^ 0xff;
    await assert.rejects(keyring.unwrap(altered, CONTEXT), REFUSED, `byte ${at}`);
    await assert.rejects(keyring.unwrap(wrapped.subarray(0, at), CONTEXT), REFUSED, `cut ${at}`);
  }
});

test('a message without key commitment is refused', async () => {
  const { result } = await lax.encrypt(rawKeyring(), DATA_KEY, {
    suiteId: AlgorithmSuiteIdentifier.ALG_AES256_GCM_IV12_TAG16_HKDF_SHA256,
    encryptionContext,
  });
  // Positive control: nothing else is wrong with it.
  assert.deepEqual((await lax.decrypt(rawKeyring(), result)).plaintext, DATA_KEY);
  // Refused by the SDK, before anything is decrypted, and not only by our look at the header.
  await assert.rejects(makeKeyring({ rootKey: rootKey() }).unwrap(result, CONTEXT), {
    ...REFUSED,
    message: 'a wrapped key does not open',
  });
});

test('a message in another committing suite than ours is refused', async () => {
  const { result } = await strict.encrypt(rawKeyring(), DATA_KEY, { encryptionContext });
  assert.deepEqual((await strict.decrypt(rawKeyring(), result)).plaintext, DATA_KEY);
  await assert.rejects(makeKeyring({ rootKey: rootKey() }).unwrap(result, CONTEXT), REFUSED);
});

test('a message with more than one encrypted data key is refused', async () => {
  const two = new MultiKeyringNode({ generator: rawKeyring(1), children: [rawKeyring(2)] });
  const { result } = await strict.encrypt(two, DATA_KEY, {
    suiteId: COMMITTING,
    encryptionContext,
  });
  assert.deepEqual((await strict.decrypt(rawKeyring(1), result)).plaintext, DATA_KEY);
  await assert.rejects(makeKeyring({ rootKey: rootKey(1) }).unwrap(result, CONTEXT), REFUSED);
});

test('something other than a 32-byte key is not accepted after unwrapping', async () => {
  const keyring = makeKeyring({ rootKey: rootKey() });
  const wrapped = await keyring.wrap(Buffer.alloc(16), CONTEXT);
  await assert.rejects(keyring.unwrap(wrapped, CONTEXT), REFUSED);
});

test('a root key of another length is refused', () => {
  for (const length of [0, 16, 31, 33]) {
    assert.throws(() => makeKeyring({ rootKey: rootKey(1, length) }), REFUSED);
  }
});

test('the id of a root key is short, stable and not the key', () => {
  assert.match(rootKeyId(rootKey(1)), /^[0-9a-f]{16}$/);
  assert.equal(rootKeyId(rootKey(1)), rootKeyId(rootKey(1)));
  assert.notEqual(rootKeyId(rootKey(1)), rootKeyId(rootKey(2)));
  assert.notEqual(rootKeyId(rootKey(1)), '01'.repeat(8));
});
