import { TERM_KINDS } from '../../../crypto/audit-term.ts';
import { VaultError } from '../../../domain/errors.ts';

// What the sequencer reads of the encodings in framing.ts: lengths and numbers, and no object for each of them.
// There are a dozen to an event; making them took longer than hashing its leaf.

/** Bytes before each leaf and each sealed disclosure; the last 2 or 4 of them are the length of what follows. */
export const LEAF_HEAD = 2;
export const SEALED_HEAD = 8;

const TERMS_HEAD = 2;
const TERM_BYTES = 9;
const KINDS: ReadonlySet<number> = new Set(Object.values(TERM_KINDS));

/** Lengths of the frames, without their heads. Throws `internal` when the bytes are not exactly `count` frames. */
export function frameLengths(
  bytes: Buffer,
  count: number,
  head: typeof LEAF_HEAD | typeof SEALED_HEAD,
): Uint32Array {
  if (!(count >= 0)) throw malformed();
  const lengths = new Uint32Array(count);
  let at = 0;
  for (let place = 0; place < count; place += 1) {
    at += head;
    if (at > bytes.length) throw malformed();
    const length = head === LEAF_HEAD ? bytes.readUInt16BE(at - 2) : bytes.readUInt32BE(at - 4);
    lengths[place] = length;
    at += length;
  }
  if (at !== bytes.length) throw malformed();
  return lengths;
}

/** Told of each term: the place of its event, its kind, and where in the bytes the 8 bytes of its hash are. */
type TermVisitor = (place: number, kind: number, at: number) => void;

/** Visits all terms in order. Throws `internal` when the bytes are not exactly `count` lists of known kinds. */
export function visitTerms(bytes: Buffer, count: number, visit: TermVisitor): void {
  let at = 0;
  for (let place = 0; place < count; place += 1) {
    if (at + TERMS_HEAD > bytes.length) throw malformed();
    const end = at + TERMS_HEAD + TERM_BYTES * bytes.readUInt16BE(at);
    if (end > bytes.length) throw malformed();
    for (at += TERMS_HEAD; at < end; at += TERM_BYTES) {
      const kind = bytes.readUInt8(at);
      if (!KINDS.has(kind)) throw malformed();
      visit(place, kind, at + 1);
    }
  }
  if (at !== bytes.length) throw malformed();
}

/** What is thrown at a batch that no writer wrote. */
export function malformed(): VaultError {
  return new VaultError('internal', { detail: 'a stored audit batch is malformed' });
}
