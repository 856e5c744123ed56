import { HASH_BYTES } from './hash.ts';
import { type OpenedNote, openNote, signNote } from './note.ts';
import { checkNumber, parseDecimal } from './numbers.ts';
import type { Signer } from './signing-key.ts';
import { decodeBase64, readText } from './text.ts';
import { TlogError } from './tlog-error.ts';
import type { Verifier } from './verifier-key.ts';

/** What a log states: its origin (name), how many leaves it has, and their root hash. */
export type Checkpoint = { origin: string; size: number; root: Buffer };

/** A checkpoint that was read, with the extension lines that some logs add. They mean nothing here. */
export type ParsedCheckpoint = Checkpoint & { extensions: string[] };

/** A checkpoint signed by its log, and the other known keys' signatures on it. */
export type OpenedCheckpoint = {
  checkpoint: ParsedCheckpoint;
  /** Valid signatures of the log, and of those among `others` that have signed. */
  verified: OpenedNote['verified'];
};

/**
 * The note text of a checkpoint (tlog-checkpoint, "Note text"): three lines, no extension lines, which
 * some cosigners do not sign. Throws `number_invalid`, `hash_invalid` or `checkpoint_malformed`.
 */
export function formatCheckpoint({ origin, size, root }: Checkpoint): string {
  checkNumber(size);
  if (root.length !== HASH_BYTES) {
    throw new TlogError('hash_invalid');
  }
  const text = `${origin}\n${size}\n${root.toString('base64')}\n`;
  // An origin with a line break, say, would read back as something else.
  if (parseCheckpoint(text).origin !== origin) {
    throw new TlogError('checkpoint_malformed');
  }
  return text;
}

/**
 * Reads a checkpoint's note text. Strict: size without leading zeros and below 2^53, canonical base64 of
 * exactly 32 bytes, no empty line. Extension lines pass. Throws `checkpoint_malformed` or `text_invalid`.
 */
export function parseCheckpoint(text: string): ParsedCheckpoint {
  const lines = readText(text).split('\n');
  const [origin = '', sizeText = '', rootText = '', ...extensions] = lines.slice(0, -1);
  const size = parseDecimal(sizeText);
  const root = decodeBase64(rootText);
  const hasLines = origin !== '' && lines.at(-1) === '' && !extensions.includes('');
  if (!hasLines || size === undefined || root?.length !== HASH_BYTES) {
    throw new TlogError('checkpoint_malformed');
  }
  return { origin, size, root, extensions };
}

/**
 * A signed checkpoint. The log that signs must never sign two that contradict each other: sign only what
 * is stored for good. Throws as `formatCheckpoint`.
 */
export function signCheckpoint(checkpoint: Checkpoint, signers: readonly Signer[]): string {
  return signNote(formatCheckpoint(checkpoint), signers);
}

/**
 * Opens a signed checkpoint of one log: signed by one of its keys (several while keys change), and of
 * this origin. Throws as `openNote`, `note_unverified` also when only others have signed,
 * `checkpoint_malformed`, or `origin_unknown`.
 */
export function openCheckpoint(options: {
  note: string | Uint8Array;
  origin: string;
  log: readonly Verifier[];
  others?: readonly Verifier[];
}): OpenedCheckpoint {
  const { note, origin, log, others = [] } = options;
  const { text, verified } = openNote(note, [...log, ...others]);
  if (!verified.some(({ verifier }) => log.includes(verifier))) {
    throw new TlogError('note_unverified');
  }
  const checkpoint = parseCheckpoint(text);
  if (checkpoint.origin !== origin) {
    throw new TlogError('origin_unknown');
  }
  return { checkpoint, verified };
}
