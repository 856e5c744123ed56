import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makePrivateCipher, monthOf } from './private-cipher.ts';
import { SecretKey } from './secret.ts';

const cipherOf = ({ vaultId = 1, version = 202611, key = 1 } = {}) =>
  makePrivateCipher({ vaultId, version, key: SecretKey.take(Buffer.alloc(32, key)) });
const FAILED = { code: 'internal', message: 'decryption failed' };
const PLAINTEXT = Buffer.from('["salt","actor","alice"]');

test('a disclosure opens for its own vault, month, event and label only', () => {
  const sealed = cipherOf().seal('who', 'event-1', PLAINTEXT);
  assert.equal(sealed.readUInt32BE(1), 202611);
  assert.deepEqual(cipherOf().open('who', 'event-1', sealed), PLAINTEXT);
  assert.throws(() => cipherOf().open('what', 'event-1', sealed), FAILED);
  assert.throws(() => cipherOf().open('who', 'event-2', sealed), FAILED);
  assert.throws(() => cipherOf({ vaultId: 2 }).open('who', 'event-1', sealed), FAILED);
  assert.throws(() => cipherOf({ version: 202612 }).open('who', 'event-1', sealed), FAILED);
  assert.throws(() => cipherOf({ key: 2 }).open('who', 'event-1', sealed), FAILED);
});

test('months are those of UTC, as yyyymm', () => {
  assert.equal(monthOf(Date.UTC(2026, 10, 22)), 202611);
  assert.equal(monthOf(Date.UTC(2026, 11, 31, 23, 59, 59, 999)), 202612);
  assert.equal(monthOf(Date.UTC(2027, 0, 1)), 202701);
});
