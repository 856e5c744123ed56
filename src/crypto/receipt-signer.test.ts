import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openNote } from '../tlog/note.ts';
import { parseVerifierKey } from '../tlog/verifier-key.ts';
import { makeLogSigner } from './log-signer.ts';
import { makeErasureReceiptSigner } from './receipt-signer.ts';
import { SecretKey } from './secret.ts';

const keysOf = (byte: number) => {
  const key = SecretKey.take(Buffer.alloc(32, byte));
  return { logSign: async () => key };
};
const keysets = keysOf(1);
const origin = 'log.test/audit';
const receipts = makeErasureReceiptSigner({ keysets, origin });

test('signs under a name below the log’s, with a key that stays the same', async () => {
  assert.equal(receipts.name, 'log.test/audit/erasures');
  const again = makeErasureReceiptSigner({ keysets: keysOf(1), origin });
  assert.equal(await receipts.verifierKey(), await again.verifierKey());
  const note = await receipts.sign('some\ntext\n');
  assert.equal(openNote(note, [parseVerifierKey(await again.verifierKey())]).text, 'some\ntext\n');
});

test('other secrets and other logs have other keys; so has a shard of the very same name', async () => {
  const key = await receipts.verifierKey();
  const others = [
    makeErasureReceiptSigner({ keysets: keysOf(2), origin }),
    makeErasureReceiptSigner({ keysets, origin: 'other.test/audit' }),
  ];
  for (const other of others) assert.notEqual(await other.verifierKey(), key);
  const log = makeLogSigner({ keysets, sources: ['keyring'] });
  assert.notEqual((await log.vkeysOf(receipts.name))[0], key);
});
