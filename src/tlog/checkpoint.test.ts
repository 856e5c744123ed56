import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeLogSigner, refusal } from '../../test/helpers/tlog.ts';
import { formatCheckpoint, openCheckpoint, parseCheckpoint, signCheckpoint } from './checkpoint.ts';
import { signNote } from './note.ts';
import { parseVerifierKey } from './verifier-key.ts';

// The example of tlog-checkpoint.
const ROOT = 'CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=';
const TEXT = `example.com/behind-the-sofa\n20852163\n${ROOT}\n`;
const CHECKPOINT = {
  origin: 'example.com/behind-the-sofa',
  size: 20_852_163,
  root: Buffer.from(ROOT, 'base64'),
};

const ORIGIN = CHECKPOINT.origin;
const signer = makeLogSigner(ORIGIN);
const key = parseVerifierKey(signer.verifierKey);
const stranger = makeLogSigner(ORIGIN);
const malformed = refusal('checkpoint_malformed');

test('the published checkpoint reads and writes alike', () => {
  assert.equal(formatCheckpoint(CHECKPOINT), TEXT);
  assert.deepEqual(parseCheckpoint(TEXT), { ...CHECKPOINT, extensions: [] });
});

test('extension lines are tolerated, and none is written', () => {
  const parsed = parseCheckpoint(`${TEXT}one\ntwo words\n`);
  assert.deepEqual(parsed.extensions, ['one', 'two words']);
  assert.equal(formatCheckpoint(parsed), TEXT);
});

test('sizes are decimals without leading zeros up to 2^53 - 1', () => {
  for (const size of ['0', '1', '4294967296', '9007199254740991']) {
    assert.equal(parseCheckpoint(TEXT.replace('20852163', size)).size, Number(size));
  }
  const refused = ['', '00', '01', '+1', '-1', ' 1', '1 ', '1e3', '0x1', '9007199254740992', '١'];
  for (const size of refused) {
    assert.throws(() => parseCheckpoint(TEXT.replace('20852163', size)), malformed, size);
  }
});

test('a root is the one base64 text of 32 bytes', () => {
  const of = (bytes: number) => Buffer.alloc(bytes, 1).toString('base64');
  const roots = [
    '',
    of(0),
    of(31),
    of(33),
    ROOT.slice(0, -1),
    `${ROOT}=`,
    ROOT.replace('I=', 'J='),
  ];
  for (const root of [...roots, ROOT.replace('/', '_'), ` ${ROOT}`, `${ROOT} `]) {
    assert.throws(() => parseCheckpoint(TEXT.replace(ROOT, root)), malformed, root);
  }
});

test('missing, empty or unfinished lines are refused', () => {
  const [origin = '', size = '', root = ''] = TEXT.split('\n');
  const texts = ['', '\n', `${origin}\n`, `${origin}\n${size}\n`, TEXT.slice(0, -1), `\n${TEXT}`];
  const blank = [`${TEXT}\n`, `${TEXT}\next\n`, `${TEXT}ext`, `\n${size}\n${root}\n`];
  for (const text of [...texts, ...blank]) {
    assert.throws(() => parseCheckpoint(text), malformed, JSON.stringify(text));
  }
  const crlf = TEXT.replaceAll('\n', '\r\n');
  assert.throws(() => parseCheckpoint(crlf), refusal('text_invalid'));
});

test('what would not read back is not written', () => {
  for (const origin of ['', 'two\nlines', '\n']) {
    assert.throws(() => formatCheckpoint({ ...CHECKPOINT, origin }), malformed);
  }
  const control = { ...CHECKPOINT, origin: 'a\tb' };
  assert.throws(() => formatCheckpoint(control), refusal('text_invalid'));
  const size = 2 ** 53;
  assert.throws(() => formatCheckpoint({ ...CHECKPOINT, size }), refusal('number_invalid'));
  const root = Buffer.alloc(31);
  assert.throws(() => formatCheckpoint({ ...CHECKPOINT, root }), refusal('hash_invalid'));
});

test('a checkpoint opens for its log only, under its origin only', () => {
  const note = signCheckpoint(CHECKPOINT, [signer]);
  const { checkpoint, verified } = openCheckpoint({ note, origin: ORIGIN, log: [key] });
  assert.deepEqual(checkpoint, { ...CHECKPOINT, extensions: [] });
  assert.equal(verified.length, 1);
  const other = { note, origin: 'example.com/other', log: [key] };
  assert.throws(() => openCheckpoint(other), refusal('origin_unknown'));
  const log = [parseVerifierKey(stranger.verifierKey)];
  assert.throws(() => openCheckpoint({ note, origin: ORIGIN, log }), refusal('note_unverified'));
});

test('while a log changes its key, either key opens a checkpoint that both have signed', () => {
  const note = signCheckpoint(CHECKPOINT, [signer, stranger]);
  for (const verifierKey of [signer.verifierKey, stranger.verifierKey]) {
    const log = [parseVerifierKey(verifierKey)];
    assert.equal(openCheckpoint({ note, origin: ORIGIN, log }).verified.length, 1);
  }
});

test('the signature of another known key does not stand in for that of the log', () => {
  const note = signCheckpoint(CHECKPOINT, [stranger]);
  const others = [parseVerifierKey(stranger.verifierKey)];
  const options = { note, origin: ORIGIN, log: [key], others };
  assert.throws(() => openCheckpoint(options), refusal('note_unverified'));
});

test('a key listed as log and as other is the log', () => {
  const note = signCheckpoint(CHECKPOINT, [signer]);
  const others = [parseVerifierKey(signer.verifierKey)];
  assert.ok(openCheckpoint({ note, origin: ORIGIN, log: [key], others }));
});

test('a signed note that is no checkpoint is refused', () => {
  const note = signNote('This is a letter.\n', [signer]);
  assert.throws(() => openCheckpoint({ note, origin: ORIGIN, log: [key] }), malformed);
});
