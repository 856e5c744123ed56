// 75,000 mutated inputs to everything that reads what comes from outside, beside the 25,000 of src/tlog: each is
// refused in the documented way, or read as something that is true.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  decodeLeaves,
  decodeSealed,
  decodeTerms,
  encodeLeaves,
  encodeSealed,
  encodeTerms,
} from '../../src/adapters/postgres/audit/framing.ts';
import { disclose } from '../../src/crypto/disclosure.ts';
import { randomBytes } from '../../src/crypto/random.ts';
import { leafJson, whatDisclosure, whoDisclosure } from '../../src/domain/audit/leaf.ts';
import { type Leaf, readLeaf } from '../../src/domain/audit/read-leaf.ts';
import { VaultError } from '../../src/domain/errors.ts';
import { decodeBundle, encodeBundle } from '../../src/tlog/bundle.ts';
import { checkInclusion } from '../../src/tlog/check-proof.ts';
import { signCheckpoint } from '../../src/tlog/checkpoint.ts';
import { openNote, parseNote } from '../../src/tlog/note.ts';
import { openByPolicy } from '../../src/tlog/open-by-policy.ts';
import { parsePolicy } from '../../src/tlog/parse-policy.ts';
import { isQuorumMet } from '../../src/tlog/policy.ts';
import { makeProver } from '../../src/tlog/prover.ts';
import { formatReceipt } from '../../src/tlog/receipt.ts';
import { TlogError } from '../../src/tlog/tlog-error.ts';
import { parseVerifierKey } from '../../src/tlog/verifier-key.ts';
import { formatWitnessRequest, parseWitnessRequest } from '../../src/tlog/witness-request.ts';
import { isVouchedFor, readDisclosure } from '../../src/verify/disclosure.ts';
import { openFileSource } from '../../src/verify/file-source.ts';
import { readEntry } from '../../src/verify/read-entry.ts';
import { verifyReceiptFile } from '../../src/verify/verify-receipt.ts';
import { sampleEvent } from '../helpers/filled-log.ts';
import { fuzz } from '../helpers/fuzz.ts';
import { memoryFiles } from '../helpers/static-log.ts';
import { makeLogSigner, makeMemoryLog } from '../helpers/tlog.ts';

const ORIGIN = 'log.test/audit/2026';
const SIZE = 300;
const INDEX = 270;

const event = sampleEvent({ atMs: Date.UTC(2026, 10, 22) });
const [who, what] = [
  disclose('who', whoDisclosure(event), randomBytes),
  disclose('what', whatDisclosure(event), randomBytes),
];
const makeLeaf = (seq: number): Buffer =>
  Buffer.from(
    leafJson({
      event,
      id: randomBytes(16).toString('base64url'),
      atMs: Date.UTC(2026, 10, 22),
      digests: [who.digest, what.digest],
      writer: ['XS24KCX3RcmL-dZX6gEjZg', seq],
    }),
  );
const leaves = Array.from({ length: SIZE }, (_, seq) => makeLeaf(seq));
const bytes = leaves[INDEX] ?? assert.fail();
const leaf: Leaf = readLeaf(bytes) ?? assert.fail();
const log = makeMemoryLog(leaves);
const signer = makeLogSigner(ORIGIN);
const checkpoint = { origin: ORIGIN, size: SIZE, root: log.root() };
const note = signCheckpoint(checkpoint, [signer]);
const POLICY = `log ${signer.verifierKey}\nquorum none\n`;
const policy = parsePolicy(POLICY);
const proof = await log.proverAt(SIZE).inclusion(INDEX);
const disclosures = [who.disclosure, what.disclosure];
const extraOf = (text: string | Buffer) => Buffer.from(text);
const EXTRA = JSON.stringify({ leaf: bytes.toString(), disclosures });
const receiptWith = (extra: Buffer) =>
  formatReceipt({ index: INDEX, proof, checkpoint: note, extra });

const isTlogError = (error: unknown) => error instanceof TlogError;
const isInternal = (error: unknown) => error instanceof VaultError && error.code === 'internal';

test('no mutated note opens with another text', () => {
  const verifiers = [parseVerifierKey(signer.verifierKey)];
  const { text } = parseNote(note);
  const read = (input: Buffer) => assert.equal(openNote(input, verifiers).text, text);
  fuzz({ input: note, runs: 10_000, read, isRefusal: isTlogError });
});

test('no mutated checkpoint passes a policy with another size or root', () => {
  const read = (input: Buffer) =>
    assert.deepEqual(openByPolicy(input, policy).checkpoint, { ...checkpoint, extensions: [] });
  fuzz({ input: note, runs: 10_000, read, isRefusal: isTlogError });
});

test('no proof that is made of a mutated tile proves anything, but the one that is the same', async () => {
  const tile = Buffer.from(log.readTile({ level: 0, index: 1, width: SIZE - 256 }));
  const leafHash = log.leafHash(INDEX);
  const made: Promise<void>[] = [];
  const read = (input: Buffer) => {
    const readTile = (id: Parameters<typeof log.readTile>[0]) =>
      id.level === 0 && id.index === 1 ? input : log.readTile(id);
    const prove = async () => {
      const path = await makeProver({ size: SIZE, readTile }).inclusion(INDEX);
      checkInclusion({ index: INDEX, size: SIZE, leafHash, proof: path, root: checkpoint.root });
      assert.deepEqual(path, proof);
    };
    made.push(
      prove().catch((error: unknown) => {
        if (!isTlogError(error)) throw error;
      }),
    );
  };
  fuzz({ input: tile, runs: 5_000, read, isRefusal: isTlogError, leastRefused: 0 });
  assert.ok((await Promise.all(made)).length >= 5_000);
});

test('a mutated bundle is refused, or is the one encoding of what it decodes to', () => {
  const read = (input: Buffer) => assert.deepEqual(encodeBundle(decodeBundle(input, 3)), input);
  const input = encodeBundle(leaves.slice(0, 3));
  fuzz({ input, runs: 10_000, read, isRefusal: isTlogError, leastRefused: 0.3 });
});

test('a mutated column of a segment is refused, or is the one encoding of what it decodes to', () => {
  const options = { isRefusal: isInternal, leastRefused: 0.2 };
  const sealed = [1, 2, 3].map((vaultId) => ({ vaultId, sealed: randomBytes(40) }));
  fuzz({
    ...options,
    input: encodeLeaves(leaves.slice(0, 3)),
    runs: 1_000,
    read: (input) => assert.deepEqual(encodeLeaves(decodeLeaves(input, 3)), input),
  });
  fuzz({
    ...options,
    input: encodeSealed(sealed),
    runs: 2_000,
    read: (input) => assert.deepEqual(encodeSealed(decodeSealed(input, 3)), input),
  });
  fuzz({
    ...options,
    input: encodeTerms([[{ kind: 'token', hash: -1n }], [], [{ kind: 'actor', hash: 7n }]]),
    runs: 2_000,
    read: (input) => assert.deepEqual(encodeTerms(decodeTerms(input, 3)), input),
  });
});

/** What a receipt that verifies may say: the truth, or less of it. */
function assertTrue(input: Buffer): void {
  const verified = verifyReceiptFile(input, policy);
  const { origin, size, index } = verified;
  assert.deepEqual({ origin, size, index }, { origin: ORIGIN, size: SIZE, index: INDEX });
  assert.deepEqual(verified.leaf, leaf);
  const disclosed = disclosures.map((text) => readDisclosure(text));
  for (const each of verified.disclosures) {
    assert.ok(disclosed.some((one) => JSON.stringify(one) === JSON.stringify(each)));
  }
}

test('no mutated receipt file proves another event, or tells more or else of it', () => {
  const input = receiptWith(extraOf(EXTRA));
  assertTrue(Buffer.from(input));
  fuzz({ input, runs: 10_000, read: assertTrue, isRefusal: isTlogError });
});

test('no receipt with a mutated leaf or mutated disclosures tells anything else', () => {
  const read = (extra: Buffer) => assertTrue(Buffer.from(receiptWith(extraOf(extra))));
  fuzz({ input: EXTRA, runs: 5_000, read, isRefusal: isTlogError });
});

test('a mutated policy is refused, or still reads and can be evaluated', () => {
  const read = (input: Buffer) => {
    const parsed = parsePolicy(input);
    assert.equal(isQuorumMet(parsed, []), parsed.quorum === undefined);
  };
  fuzz({ input: POLICY, runs: 5_000, read, isRefusal: isTlogError });
});

test('a mutated leaf is no leaf, or one that all read in the same way and no receipt proves', () => {
  const read = (input: Buffer) => {
    const entry = readEntry(input);
    if (entry.leaf === undefined) throw new TlogError('receipt_malformed');
    assert.deepEqual(readLeaf(input), entry.leaf);
    assert.throws(() => verifyAs(input), isTlogError);
  };
  fuzz({ input: bytes, runs: 5_000, read, isRefusal: isTlogError, leastRefused: 0.2 });
});

const verifyAs = (input: Buffer) =>
  verifyReceiptFile(
    receiptWith(Buffer.from(JSON.stringify({ leaf: input.toString(), disclosures: [] }))),
    policy,
  );

test('a mutated line of disclosures is read as one of no entry, or with texts that no leaf vouches for', async () => {
  const line = JSON.stringify({ index: INDEX, who: who.disclosure, what: what.disclosure });
  const inputs: Buffer[] = [];
  const keep = (input: Buffer) => void inputs.push(input);
  fuzz({ input: line, runs: 5_000, read: keep, isRefusal: () => false, leastRefused: 0 });
  for (const input of inputs) {
    const files = new Map([['disclosures.jsonl', input]]);
    const source = await openFileSource(memoryFiles(files));
    for await (const read of source.disclosures?.() ?? []) {
      assert.ok(Number.isSafeInteger(read.index) && read.index >= -1);
      for (const text of [read.who, read.what]) {
        const isTrue =
          text === undefined || disclosures.includes(text) || !isVouchedFor(leaf, text);
        assert.ok(isTrue);
        readDisclosure(text ?? '');
      }
    }
  }
});

test('a mutated request to a witness is refused, or is the one way to write what it says', () => {
  const request = { oldSize: 256, proof: [...proof], checkpoint: note };
  const read = (input: Buffer) =>
    assert.equal(formatWitnessRequest(parseWitnessRequest(input)), input.toString());
  const input = formatWitnessRequest(request);
  fuzz({ input, runs: 5_000, read, isRefusal: isTlogError, leastRefused: 0.3 });
});
