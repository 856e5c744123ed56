// Mutated inputs to every parser: each is refused with a TlogError, or read as something that is true.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
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

/** What may come from elsewhere into a mutated input: separators, digits and characters that bite. */
const PIECES = [
  '\n',
  '\n\n',
  ' ',
  '0',
  '1',
  '9',
  '+',
  '=',
  'A',
  '\u2014 ',
  '\r',
  '\t',
  '\0',
  '\ufeff',
]
  .concat([
    '\u00a0',
    'x',
    '/',
    '.p/',
    '-',
    'e',
    'none',
    '9007199254740993',
    'extra AAAA\n',
    'index 1\n',
  ])
  .map((piece) => Buffer.from(piece));
const position = fc.double({ min: 0, max: 1, noNaN: true });
const mutation = fc.record({
  from: position,
  to: position,
  at: position,
  kind: fc.constantFrom('flip', 'insert', 'delete', 'copy', 'move', 'cut', 'line'),
  piece: fc.oneof(fc.constantFrom(...PIECES), fc.uint8Array({ minLength: 1, maxLength: 4 })),
  bit: fc.nat(7),
});
type Mutation = typeof mutation extends fc.Arbitrary<infer T> ? T : never;
const mutations = fc.array(mutation, { minLength: 1, maxLength: 3 });

function mutate(input: Buffer, { kind, piece, bit, ...places }: Mutation): Buffer {
  const place = (share: number) => Math.floor(share * input.length);
  const at = place(places.at);
  const [from = 0, to = 0] = [place(places.from), place(places.to)].sort((a, b) => a - b);
  const short = input.subarray(from, Math.min(to, from + 40));
  const insert = (what: Uint8Array) =>
    Buffer.concat([input.subarray(0, at), what, input.subarray(at)]);
  switch (kind) {
    case 'flip':
      return Buffer.from(input.map((byte, index) => (index === at ? byte ^ (2 ** bit) : byte)));
    case 'insert':
      return insert(piece);
    case 'delete':
      return Buffer.concat([input.subarray(0, from), input.subarray(from + short.length)]);
    case 'copy':
      return insert(short);
    case 'move':
      return Buffer.concat([input.subarray(to), input.subarray(0, to)]);
    case 'cut':
      return input.subarray(0, at);
    case 'line': {
      const lines = input.toString('latin1').split('\n');
      const [line = ''] = lines.splice(Math.floor(places.from * lines.length), 1);
      lines.splice(Math.floor(places.to * lines.length), bit % 2, line);
      return Buffer.from(lines.join('\n'), 'latin1');
    }
    default:
      return assert.fail(kind);
  }
}

/**
 * Gives the reader this many mutations of the input. It must throw a TlogError, or return having
 * asserted that what it read is true. Mutations that change nothing are left out.
 */
function fuzz(options: { input: string | Buffer; runs: number; read: (bytes: Buffer) => void }) {
  const input = Buffer.from(options.input);
  let refused = 0;
  const property = fc.property(mutations, (steps) => {
    const bytes = steps.reduce(mutate, input);
    fc.pre(!bytes.equals(input));
    try {
      options.read(bytes);
    } catch (error) {
      if (!(error instanceof TlogError)) {
        throw error;
      }
      refused += 1;
    }
  });
  fc.assert(property, { numRuns: options.runs });
  assert.ok(refused > options.runs / 2, `only ${refused} of ${options.runs} were refused`);
}

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
