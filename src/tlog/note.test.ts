import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeLogSigner, refusal } from '../../test/helpers/tlog.ts';
import { addSignatures, openNote, parseNote, signatureLines, signNote } from './note.ts';
import { parseVerifierKey } from './verifier-key.ts';

// The example of signed-note.
const KEY = 'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k';
const TEXT = 'This is an example message.\n';
const LINE =
  '— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n';
const NOTE = `${TEXT}\n${LINE}`;
const foo = parseVerifierKey(KEY);

const bar = makeLogSigner('example.com/bar');
const barKey = parseVerifierKey(bar.verifierKey);

const malformed = refusal('note_malformed');

/** A signature line of an unknown key with this many bytes behind the key id. */
const strangerLine = (bytes = 64, name = 'stranger') =>
  `— ${name} ${Buffer.alloc(4 + bytes, 7).toString('base64')}\n`;

test('the published note opens, as text and as bytes', () => {
  for (const note of [NOTE, Buffer.from(NOTE)]) {
    const { text, verified } = openNote(note, [foo]);
    assert.equal(text, TEXT);
    assert.deepEqual(
      verified.map(({ name, keyId, verifier }) => [name, keyId, verifier]),
      [['example.com/foo', '530d903a', foo]],
    );
  }
});

test('a note signed by several keys opens for each of them, alone or together', () => {
  const note = addSignatures(NOTE, signatureLines(TEXT, [bar]));
  for (const keys of [[foo], [barKey], [foo, barKey], [barKey, foo, foo]]) {
    assert.equal(openNote(note, keys).verified.length, new Set(keys).size);
  }
});

test('a known key with a wrong signature refuses the whole note, whoever else signed', () => {
  const note = addSignatures(NOTE, signatureLines('Another message.\n', [bar]));
  assert.throws(() => openNote(note, [foo, barKey]), refusal('signature_invalid'));
  assert.equal(openNote(note, [foo]).text, TEXT);
  const second = addSignatures(NOTE, signatureLines('Another message.\n', [bar]));
  const both = addSignatures(second, signatureLines(TEXT, [bar]));
  assert.throws(() => openNote(both, [barKey]), refusal('signature_invalid'));
});

test('a note of unknown keys only is refused, be it by name or by id', () => {
  assert.throws(() => openNote(NOTE, []), refusal('note_unverified'));
  assert.throws(() => openNote(NOTE, [barKey]), refusal('note_unverified'));
  const renamed = NOTE.replace('— example.com/foo', '— example.com/bar');
  assert.throws(() => openNote(renamed, [foo, barKey]), refusal('note_unverified'));
});

test('a key that signed twice counts once; two keys of one name and id are refused', () => {
  assert.equal(openNote(addSignatures(NOTE, LINE), [foo]).verified.length, 1);
  const twin = { ...barKey, name: foo.name, keyId: foo.keyId };
  assert.throws(() => openNote(NOTE, [foo, twin]), refusal('key_invalid'));
});

test('text with anything changed is refused', () => {
  for (let at = 0; at < TEXT.length - 1; at += 1) {
    const changed = `${TEXT.slice(0, at)}~${TEXT.slice(at + 1)}\n${LINE}`;
    assert.throws(() => openNote(changed, [foo]), refusal('signature_invalid'));
  }
});

test('the last blank line divides: a text may hold blank lines and look signed itself', () => {
  const text = `first\n\n${LINE}\n\nlast\n`;
  const note = signNote(text, [bar]);
  assert.equal(openNote(note, [foo, barKey]).text, text);
  assert.equal(openNote(signNote('\n', [bar]), [barKey]).text, '\n');
});

test('texts that would not read back cannot be signed', () => {
  assert.throws(() => signNote('no newline', [bar]), malformed);
  assert.throws(() => signNote('', [bar]), malformed);
  assert.throws(() => signNote('unsigned\n', []), malformed);
  for (const control of ['\r', '\t', '\0', '\u001f', '\ud800']) {
    assert.throws(() => signNote(`a${control}b\n`, [bar]), refusal('text_invalid'));
  }
});

test('added lines can only add signatures', () => {
  for (const lines of ['\n', `\n${LINE}`, 'text\n', '', LINE.slice(1), `${LINE}\n${LINE}`]) {
    if (lines !== '') {
      assert.throws(() => addSignatures(NOTE, lines), malformed, JSON.stringify(lines));
    }
  }
  assert.throws(() => addSignatures(NOTE.slice(0, -1), LINE), malformed);
});

test('bytes that are no UTF-8, and control characters, are refused', () => {
  const withByte = (byte: number) => Buffer.concat([Buffer.of(byte), Buffer.from(NOTE)]);
  for (const byte of [0x00, 0x09, 0x0d, 0x1f, 0x80, 0xc0, 0xff]) {
    assert.throws(() => parseNote(withByte(byte)), refusal('text_invalid'), String(byte));
  }
  // Overlong, a surrogate in UTF-8, and a truncated character.
  for (const bytes of ['c0af', 'eda080', 'e280']) {
    const note = Buffer.concat([Buffer.from(bytes, 'hex'), Buffer.from(NOTE)]);
    assert.throws(() => parseNote(note), refusal('text_invalid'), bytes);
  }
});

test('a byte order mark is text, not decoration', () => {
  const marked = Buffer.concat([Buffer.from('efbbbf', 'hex'), Buffer.from(NOTE)]);
  assert.throws(() => openNote(marked, [foo]), refusal('signature_invalid'));
});

test('signature lines are read strictly', () => {
  const base64 = LINE.split(' ')[2]?.trim() ?? '';
  const lines = [
    ...[
      '',
      '\n',
      'x\n',
      LINE.slice(0, -1),
      `${LINE.slice(0, -1)}x`,
      LINE.replace('—', '-'),
      LINE.replace('—', '–'),
    ],
    ...[LINE.replace('— ', '—'), LINE.replace('— ', '—  '), ` ${LINE}`, LINE.replace('\n', ' \n')],
    ...[LINE.replace('foo ', 'foo'), LINE.replace('foo ', 'foo  '), LINE.replace('foo', 'f+o')],
    ...[LINE.replace('foo', 'f\u00a0o'), LINE.replace('foo', 'f\u2028o'), `—  ${base64}\n`],
    ...[LINE.replace('=', ''), LINE.replace('=', '=='), LINE.replace('M=', 'N=')],
    ...[
      LINE.replace('Uw2Q', '-w2Q'),
      LINE.replace('Uw2Q', 'Uw2Q='),
      strangerLine(0),
      strangerLine(-1),
    ],
    ...[`${LINE}\n`, `${LINE}more\n`, `more\n${LINE}`],
  ];
  for (const line of lines) {
    assert.throws(() => parseNote(`${TEXT}\n${line}`), malformed, JSON.stringify(line));
  }
  assert.throws(() => parseNote(`${TEXT}${LINE}`), malformed, 'no blank line');
  assert.throws(() => parseNote(''), malformed);
});

test('100 signatures pass, of any length and kind; 101 do not, nor does a note over a million', () => {
  const many = (count: number) => Array.from({ length: count }, () => strangerLine()).join('');
  assert.equal(openNote(`${NOTE}${many(99)}`, [foo]).verified.length, 1);
  assert.throws(() => openNote(`${NOTE}${many(100)}`, [foo]), malformed);
  assert.equal(parseNote(`${NOTE}${strangerLine(1)}${strangerLine(4000)}`).signatures.length, 3);
  assert.throws(() => parseNote(`${'a'.repeat(1_000_000)}${NOTE}`), malformed);
});
