import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openNote, signNote } from '../tlog/note.ts';
import { generateSigningKey, parseSigningKey } from '../tlog/signing-key.ts';
import { parseVerifierKey } from '../tlog/verifier-key.ts';
import { makeLogSigner } from './log-signer.ts';
import { SecretKey } from './secret.ts';

const logSign = SecretKey.take(Buffer.alloc(32, 3));
const keysets = { logSign: async () => logSign };
const fileKey = parseSigningKey(generateSigningKey('a-name-of-the-operator'));
const origin = 'log.test/audit/2026';

test('the key of a shard is the same at every start: it depends on keyring and origin only', async () => {
  const { vkeysOf } = makeLogSigner({ keysets, sources: ['keyring'] });
  // Pinned: another derivation would leave auditors with a key that no longer signs.
  assert.deepEqual(await vkeysOf(origin), [
    'log.test/audit/2026+5667d8ac+AfptHj+bUr/lHnvHlf7HmSAKCZllLyH8ppLhNtxXkXzl',
  ]);
});

test('each shard has a key of its own, under its origin as name', async () => {
  const { vkeysOf } = makeLogSigner({ keysets, sources: ['keyring'] });
  const [one, other] = [...(await vkeysOf(origin)), ...(await vkeysOf('log.test/audit/2027'))].map(
    parseVerifierKey,
  );
  assert.equal(one?.name, origin);
  assert.equal(other?.name, 'log.test/audit/2027');
  assert.notDeepEqual(one?.publicKey, other?.publicKey);
});

test('with several sources every key signs, and each signature verifies by its public key', async () => {
  const sources = ['keyring', fileKey.privateKey] as const;
  const { signersOf, vkeysOf } = makeLogSigner({ keysets, sources });
  const note = signNote('text\n', await signersOf(origin));
  const vkeys = await vkeysOf(origin);
  assert.equal(vkeys.length, 2);
  for (const vkey of vkeys) {
    assert.equal(openNote(note, [parseVerifierKey(vkey)]).verified[0]?.name, origin);
  }
});

test('a retired key verifies what it signed, and signs nothing more', async () => {
  const before = makeLogSigner({ keysets, sources: ['keyring'] });
  const old = signNote('text\n', await before.signersOf(origin));
  const after = makeLogSigner({ keysets, sources: [fileKey.privateKey], retired: ['keyring'] });
  const [now, retired] = await after.vkeysOf(origin);
  assert.deepEqual([retired], await before.vkeysOf(origin));
  assert.equal(openNote(old, [parseVerifierKey(retired ?? '')]).verified.length, 1);
  const signers = await after.signersOf(origin);
  assert.deepEqual(
    signers.map(({ verifierKey }) => verifierKey),
    [now],
  );
});

test('a key of a file signs under the origin, not under the name in the file', async () => {
  const { vkeysOf } = makeLogSigner({ keysets, sources: [fileKey.privateKey] });
  const [vkey = ''] = await vkeysOf(origin);
  assert.equal(parseVerifierKey(vkey).name, origin);
});

test('a keyring that does not open makes no signer, and a file needs none', async () => {
  const broken = { logSign: () => Promise.reject(new Error('closed')) };
  await assert.rejects(makeLogSigner({ keysets: broken, sources: ['keyring'] }).signersOf(origin));
  await makeLogSigner({ keysets: broken, sources: [fileKey.privateKey] }).signersOf(origin);
});
