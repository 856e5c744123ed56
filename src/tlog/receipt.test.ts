import assert from 'node:assert/strict';
import { test } from 'node:test';
import { entriesTo, makeLogSigner, makeMemoryLog, refusal } from '../../test/helpers/tlog.ts';
import { signCheckpoint } from './checkpoint.ts';
import { addSignatures, parseNote, signatureLines } from './note.ts';
import { parsePolicy } from './parse-policy.ts';
import { formatReceipt, parseReceipt, verifyReceipt } from './receipt.ts';
import { generateSigningKey, makeCosigner, parseSigningKey } from './signing-key.ts';

const ORIGIN = 'log.example/audit';
const SIZE = 1000;
const entries = entriesTo(SIZE);
const log = makeMemoryLog(entries);
const signer = makeLogSigner(ORIGIN);
const witness = makeCosigner(parseSigningKey(generateSigningKey('w.example')), () => 1_770_000_000);
const policy = parsePolicy(
  `log ${signer.verifierKey}\nwitness w ${witness.verifierKey}\nquorum w\n`,
);
const signed = signCheckpoint({ origin: ORIGIN, size: SIZE, root: log.root() }, [signer]);
const checkpoint = addSignatures(signed, signatureLines(parseNote(signed).text, [witness]));

const INDEX = 777;
const leaf = entries[INDEX] ?? assert.fail();
const proof = await log.proverAt(SIZE).inclusion(INDEX);
const receipt = formatReceipt({ index: INDEX, proof, checkpoint });
const lines = receipt.split('\n');
const malformed = refusal('receipt_malformed');

/** The receipt with one of its lines replaced, or left out. */
const withLine = (at: number, ...replacement: string[]) =>
  lines.toSpliced(at, 1, ...replacement).join('\n');

test('a receipt has the form of tlog-proof and reads back', () => {
  assert.equal(lines[0], 'c2sp.org/tlog-proof@v1');
  assert.equal(lines[1], `index ${INDEX}`);
  assert.deepEqual(
    lines.slice(2, 2 + proof.length),
    proof.map((hash) => hash.toString('base64')),
  );
  assert.equal(lines.slice(2 + proof.length).join('\n'), `\n${checkpoint}`);
  assert.deepEqual(parseReceipt(receipt), { index: INDEX, proof, checkpoint });
  assert.deepEqual(parseReceipt(Buffer.from(receipt)), { index: INDEX, proof, checkpoint });
});

test('a receipt of every leaf verifies offline, for its bytes and index alone', async () => {
  const prover = log.proverAt(SIZE);
  for (const index of [0, 1, 255, 256, 511, 767, 768, 998, 999]) {
    const one = formatReceipt({ index, proof: await prover.inclusion(index), checkpoint });
    const own = entries[index] ?? assert.fail();
    const verified = verifyReceipt({ receipt: one, leaf: own, policy });
    assert.equal(verified.index, index);
    assert.equal(verified.checkpoint.size, SIZE);
    assert.deepEqual(verified.cosignatures, [{ witness: 'w', timeSeconds: 1_770_000_000 }]);
    const other = entries[(index + 1) % SIZE] ?? assert.fail();
    const lie = { receipt: one, leaf: other, policy };
    assert.throws(() => verifyReceipt(lie), refusal('proof_refused'));
    const moved = one.replace(`index ${index}`, `index ${(index + 1) % SIZE}`);
    const movedLie = { receipt: moved, leaf: own, policy };
    assert.throws(() => verifyReceipt(movedLie), refusal('proof_refused'));
  }
});

test('the only leaf of a log has a receipt without hashes', () => {
  const single = makeMemoryLog([leaf]);
  const note = signCheckpoint({ origin: ORIGIN, size: 1, root: single.root() }, [signer]);
  const only = formatReceipt({ index: 0, proof: [], checkpoint: note });
  const unwitnessed = parsePolicy(`log ${signer.verifierKey}\nquorum none`);
  assert.equal(verifyReceipt({ receipt: only, leaf, policy: unwitnessed }).index, 0);
  assert.throws(() => verifyReceipt({ receipt: only, leaf, policy }), refusal('quorum_not_met'));
});

test('extra data travels along and proves nothing', () => {
  const extra = Buffer.from('disclosures');
  const text = formatReceipt({ index: INDEX, proof, checkpoint, extra });
  assert.equal(text.split('\n')[1], `extra ${extra.toString('base64')}`);
  assert.deepEqual(parseReceipt(text).extra, extra);
  assert.equal('extra' in verifyReceipt({ receipt: text, leaf, policy }), false);
  const empty = formatReceipt({ index: INDEX, proof, checkpoint, extra: Buffer.alloc(0) });
  assert.equal(empty, receipt);
});

test('a proof that leads elsewhere is refused', () => {
  const [first = Buffer.alloc(32)] = proof;
  for (const wrong of [
    [],
    proof.slice(1),
    proof.slice(0, -1),
    [...proof, first],
    proof.toReversed(),
  ]) {
    const lie = formatReceipt({ index: INDEX, proof: wrong, checkpoint });
    assert.throws(() => verifyReceipt({ receipt: lie, leaf, policy }), refusal('proof_refused'));
  }
});

test('a leaf longer than any entry is refused, not hashed', () => {
  const long = Buffer.alloc(65_536);
  assert.throws(() => verifyReceipt({ receipt, leaf: long, policy }), refusal('entry_too_large'));
});

test('head and proof are read strictly', () => {
  const hash = lines[2] ?? '';
  const broken = [
    ...['', '\n\n', checkpoint, `\n${receipt}`, withLine(0), withLine(1), withLine(0, '')],
    ...[withLine(0, 'c2sp.org/tlog-proof@v2'), withLine(0, 'c2sp.org/tlog-proof@v1 ')],
    ...[
      'index',
      'index ',
      'index 0777',
      'index +7',
      'index 7 ',
      'index  7',
      'index 9007199254740992',
    ]
      .concat(['index -1', 'Index 7', 'index 7\nindex 7', 'index 7\nextra AAAA'])
      .map((line) => withLine(1, line)),
    ...['extra', 'extra ', 'extra AB', 'extra A===', 'extra  AAAA', 'extra AAAA ']
      .concat(['extra AAAA\nextra AAAA'])
      .map((line) => withLine(1, line, `index ${INDEX}`)),
    ...[`${hash} `, hash.slice(0, -1), `${hash}=`, 'AAAA', Buffer.alloc(33).toString('base64')].map(
      (line) => withLine(2, line),
    ),
    withLine(2, ...Array(54).fill(hash)),
  ];
  for (const text of broken) {
    assert.throws(() => parseReceipt(text), malformed, JSON.stringify(text.slice(0, 200)));
  }
});

test('the checkpoint within is read as strictly as alone', () => {
  const blank = lines.indexOf('');
  assert.throws(() => parseReceipt(withLine(blank, '', '')), refusal('checkpoint_malformed'));
  assert.throws(() => parseReceipt(`${receipt}\n`), refusal('note_malformed'));
  assert.throws(() => parseReceipt(receipt.slice(0, -1)), refusal('note_malformed'));
  assert.throws(() => parseReceipt(receipt.replaceAll('\n', '\r\n')), refusal('text_invalid'));
  const zeros = receipt.replace(`\n${SIZE}\n`, `\n0${SIZE}\n`);
  assert.throws(() => parseReceipt(zeros), refusal('checkpoint_malformed'));
});

test('what would not read back is not written', () => {
  const good = { index: INDEX, proof, checkpoint };
  assert.throws(() => formatReceipt({ ...good, index: -1 }), refusal('number_invalid'));
  const short = { ...good, proof: [Buffer.alloc(31)] };
  assert.throws(() => formatReceipt(short), refusal('hash_invalid'));
  assert.throws(() => formatReceipt({ ...good, proof: Array(54).fill(proof[0]) }), malformed);
  assert.throws(() => formatReceipt({ ...good, checkpoint: 'x\n' }), refusal('note_malformed'));
});
