import { isKeyName, type KeyRef } from './key-text.ts';
import type { Signer } from './signing-key.ts';
import { decodeBase64, readText } from './text.ts';
import { TlogError } from './tlog-error.ts';
import type { Verifier } from './verifier-key.ts';

/** One signature line. Of an unknown key until a verifier says otherwise. */
export type NoteSignature = KeyRef & {
  /** What follows the 4 bytes of the key id. */
  blob: Buffer;
};

/** A signed note taken apart. Nothing in it may be believed before `openNote`. */
export type Note = { text: string; signatures: NoteSignature[] };

/** A note whose text at least one known key has signed. */
export type OpenedNote = {
  text: string;
  /** Signatures of known keys, all valid: one for each key, the first if it has several. */
  verified: (NoteSignature & { verifier: Verifier })[];
};

const MAX_NOTE_CHARS = 1_000_000;
/** The specification demands at least 16; Go's note package takes 100 as well. */
const MAX_SIGNATURES = 100;
const KEY_ID_BYTES = 4;
/** Em dash, space, key name, space, base64. */
const SIGNATURE_LINE = /^\u2014 ([^ ]+) ([^ ]+)$/;

/**
 * Takes a signed note apart (signed-note, "Format"): the last blank line divides text and signatures.
 * Throws `text_invalid` (UTF-8, control characters) or `note_malformed`.
 */
export function parseNote(note: string | Uint8Array): Note {
  const whole = readText(note);
  const split = whole.lastIndexOf('\n\n') + 1;
  const lines = whole.slice(split + 1, -1).split('\n');
  const isWhole = split > 0 && whole.endsWith('\n') && whole.length <= MAX_NOTE_CHARS;
  if (!isWhole || lines.length > MAX_SIGNATURES) {
    throw new TlogError('note_malformed');
  }
  return { text: whole.slice(0, split), signatures: lines.map(parseSignatureLine) };
}

/**
 * Verifies a note against the known keys. Signatures of other keys are ignored; one wrong signature of
 * a known key refuses the whole note (`signature_invalid`), as does having none (`note_unverified`). Two
 * different known keys of one name and id: `key_invalid`. Else as `parseNote`.
 */
export function openNote(note: string | Uint8Array, verifiers: readonly Verifier[]): OpenedNote {
  const known = indexVerifiers(verifiers);
  const { text, signatures } = parseNote(note);
  const verified = new Map<string, OpenedNote['verified'][number]>();
  for (const signature of signatures) {
    const ref = keyRef(signature);
    const verifier = known.get(ref);
    if (verifier === undefined) {
      continue;
    }
    if (!verifier.verify(text, signature.blob)) {
      throw new TlogError('signature_invalid');
    }
    if (!verified.has(ref)) {
      verified.set(ref, { ...signature, verifier });
    }
  }
  if (verified.size === 0) {
    throw new TlogError('note_unverified');
  }
  return { text, verified: [...verified.values()] };
}

/**
 * Signs a text, which must end in a newline, with one key or several. The result is such that
 * `parseNote` reads back the same text: else `text_invalid` or `note_malformed`.
 */
export function signNote(text: string, signers: readonly Signer[]): string {
  return addSignatures(`${text}\n`, signatureLines(text, signers));
}

/** The signature lines of these keys on a note's text: what a witness answers. */
export function signatureLines(text: string, signers: readonly Signer[]): string {
  return signers.map((signer) => signatureLine(signer, signer.sign(text))).join('');
}

/**
 * A note, or text and blank line, with more signature lines at its end. They are read, not verified:
 * open the result. Throws `text_invalid` or `note_malformed`, also when the lines would change the text.
 */
export function addSignatures(note: string, lines: string): string {
  const result = `${note}${lines}`;
  const { text } = parseNote(result);
  if (!note.startsWith(`${text}\n`)) {
    throw new TlogError('note_malformed');
  }
  return result;
}

function signatureLine({ name, keyId }: KeyRef, blob: Buffer): string {
  const encoded = Buffer.concat([Buffer.from(keyId, 'hex'), blob]).toString('base64');
  return `\u2014 ${name} ${encoded}\n`;
}

function parseSignatureLine(line: string): NoteSignature {
  const [, name = '', base64 = ''] = SIGNATURE_LINE.exec(line) ?? [];
  const encoded = decodeBase64(base64);
  if (!isKeyName(name) || encoded === undefined || encoded.length <= KEY_ID_BYTES) {
    throw new TlogError('note_malformed');
  }
  const keyId = encoded.subarray(0, KEY_ID_BYTES).toString('hex');
  return { name, keyId, blob: encoded.subarray(KEY_ID_BYTES) };
}

function indexVerifiers(verifiers: readonly Verifier[]): Map<string, Verifier> {
  const known = new Map<string, Verifier>();
  for (const verifier of verifiers) {
    const before = known.get(keyRef(verifier)) ?? verifier;
    if (before.type !== verifier.type || !before.publicKey.equals(verifier.publicKey)) {
      throw new TlogError('key_invalid', { detail: 'two keys of one name and id' });
    }
    known.set(keyRef(verifier), before);
  }
  return known;
}

/** A name has no plus, so no two keys share this text. */
const keyRef = ({ name, keyId }: KeyRef) => `${name}+${keyId}`;
