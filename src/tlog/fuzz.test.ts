// Mutated inputs to every parser: each is refused with a TlogError, or read as something that is true.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fuzz as fuzzReader } from '../../test/helpers/fuzz.ts';
import { entriesTo, makeLogSigner, makeMemoryLog } from '../../test/helpers/tlog.ts';
import { decodeBundle, encodeBundle } from './bundle.ts';
import { signCheckpoint } from './checkpoint.ts';
import { addSignatures, openNote, parseNote, signatureLines } from './note.ts';
import { openByPolicy } from './open-by-policy.ts';
import { parsePolicy } from './parse-policy.ts';
import { isQuorumMet } from './policy.ts';
import { formatReceipt, verifyReceipt } from './receipt.ts';
import {
  generateSigningKey,
  makeCosigner,
  makeNoteSigner,
  parseSigningKey,
} from './signing-key.ts';
import { formatTilePath, parseTilePath } from './tile-path.ts';
import { TlogError } from './tlog-error.ts';
import { formatVerifierKey, parseVerifierKey } from './verifier-key.ts';

const ORIGIN = 'log.example/audit';
const SIZE = 700;
const INDEX = 300;
const entries = entriesTo(SIZE);
const leaf = entries[INDEX] ?? assert.fail();
const log = makeMemoryLog(entries);
const secret = generateSigningKey(ORIGIN);
const signer = makeNoteSigner(parseSigningKey(secret));
const witness = makeCosigner(parseSigningKey(generateSigningKey('w.example')), () => 1_770_000_000);
const POLICY = `log ${signer.verifierKey}\nwitness w ${witness.verifierKey} u\ngroup g 1 w\nquorum g\n`;
const policy = parsePolicy(POLICY);

const checkpoint = { origin: ORIGIN, size: SIZE, root: log.root() };
const signed = signCheckpoint(checkpoint, [signer, makeLogSigner('stranger.example')]);
const { text } = parseNote(signed);
const note = addSignatures(signed, signatureLines(text, [witness]));
const proof = await log.proverAt(SIZE).inclusion(INDEX);
const receipt = formatReceipt({ index: INDEX, proof, checkpoint: note, extra: Buffer.from('x') });

const isRefusal = (error: unknown) => error instanceof TlogError;
const fuzz = (options: Omit<Parameters<typeof fuzzReader>[0], 'isRefusal'>) =>
  fuzzReader({ ...options, isRefusal });

test('no mutated note opens with another text or for another key', () => {
  const verifiers = [signer, witness].map(({ verifierKey }) => parseVerifierKey(verifierKey));
  const read = (bytes: Buffer) => {
    const opened = openNote(bytes, verifiers);
    assert.equal(opened.text, text);
    assert.ok(opened.verified.every(({ verifier }) => verifiers.includes(verifier)));
  };
  fuzz({ input: note, runs: 4000, read });
});

test('no mutated checkpoint passes a policy with another size or root, or without its witness', () => {
  const read = (bytes: Buffer) => {
    const opened = openByPolicy(bytes, policy);
    assert.deepEqual(opened.checkpoint, { ...checkpoint, extensions: [] });
    assert.equal(opened.cosignatures.length, 1);
  };
  fuzz({ input: note, runs: 4000, read });
});

test('no mutated receipt proves another index, leaf or checkpoint', () => {
  const read = (bytes: Buffer) => {
    const verified = verifyReceipt({ receipt: bytes, leaf, policy });
    assert.equal(verified.index, INDEX);
    assert.deepEqual(verified.checkpoint, { ...checkpoint, extensions: [] });
  };
  fuzz({ input: receipt, runs: 5000, read });
});

test('no mutated leaf is proved by the receipt', () => {
  fuzz({ input: leaf, runs: 1000, read: (bytes) => assert.fail(`proved ${prove(bytes)}`) });
});

/** The index that the receipt proves for these bytes. */
const prove = (bytes: Buffer) => verifyReceipt({ receipt, leaf: bytes, policy }).index;

test('a mutated bundle is refused, or is the one encoding of what it decodes to', () => {
  const read = (bytes: Buffer) => {
    assert.deepEqual(encodeBundle(decodeBundle(bytes, 9)), bytes);
  };
  fuzz({ input: encodeBundle(entries.slice(0, 9)), runs: 3000, read });
});

test('a mutated tile path is refused, or is the one path of what it reads as', () => {
  for (const input of ['tile/0/x001/x234/067', 'tile/12/003.p/45', 'tile/entries/x001/000.p/9']) {
    const read = (bytes: Buffer) => {
      const path = bytes.toString('latin1');
      assert.equal(formatTilePath(parseTilePath(path)), path);
    };
    fuzz({ input, runs: 1000, read });
  }
});

test('a mutated key is refused', () => {
  const read = (bytes: Buffer) =>
    assert.fail(formatVerifierKey(parseVerifierKey(bytes.toString())));
  fuzz({ input: signer.verifierKey, runs: 1000, read });
  fuzz({ input: witness.verifierKey, runs: 1000, read });
  fuzz({ input: secret, runs: 1000, read: (bytes) => void parseSigningKey(bytes.toString()) });
});

test('a mutated policy is refused, or still reads and can be evaluated', () => {
  let accepted = 0;
  const read = (bytes: Buffer) => {
    const parsed = parsePolicy(bytes);
    accepted += 1;
    // A quorum that none meets must not come out as one that all meet.
    assert.equal(isQuorumMet(parsed, []), parsed.quorum === undefined);
  };
  fuzz({ input: POLICY, runs: 2000, read });
  assert.ok(accepted > 0);
});
