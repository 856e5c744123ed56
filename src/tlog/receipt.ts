import { checkInclusion } from './check-proof.ts';
import { parseCheckpoint } from './checkpoint.ts';
import { checkHash, HASH_BYTES, hashLeaf } from './hash.ts';
import { parseNote } from './note.ts';
import { checkNumber, parseDecimal } from './numbers.ts';
import { openByPolicy, type TrustedCheckpoint } from './open-by-policy.ts';
import type { Policy } from './policy.ts';
import { decodeBase64, readText } from './text.ts';
import { TlogError } from './tlog-error.ts';

/** A `.tlog-proof`: that one leaf is in one log, checkable without either. */
export type Receipt = {
  index: number;
  /** The inclusion proof, the leaf's sibling first. */
  proof: Buffer[];
  /** The signed checkpoint, verbatim. */
  checkpoint: string;
  /** Whatever the log adds for the reader. Proved by nothing: check it against the leaf before use. */
  extra?: Buffer;
};

const VERSION = 'c2sp.org/tlog-proof@v1';
/** A path in a tree of at most 2^53 leaves. */
const MAX_PROOF_HASHES = 53;

/**
 * Writes a receipt (tlog-proof@v1). Throws `number_invalid`, `hash_invalid`, `receipt_malformed` (too many
 * hashes), or as `parseNote` and `parseCheckpoint` for the checkpoint.
 */
export function formatReceipt({ index, proof, checkpoint, extra }: Receipt): string {
  checkNumber(index);
  parseCheckpoint(parseNote(checkpoint).text);
  if (proof.length > MAX_PROOF_HASHES) {
    throw new TlogError('receipt_malformed');
  }
  const hashes = proof.map((hash) => {
    checkHash(hash);
    return hash.toString('base64');
  });
  const extras =
    extra === undefined || extra.length === 0 ? [] : [`extra ${extra.toString('base64')}`];
  return `${[VERSION, ...extras, `index ${index}`, ...hashes].join('\n')}\n\n${checkpoint}`;
}

/**
 * Reads a receipt, strictly; nothing in it is verified. Throws `text_invalid`, `receipt_malformed`, or as
 * `parseNote` and `parseCheckpoint` for the checkpoint.
 */
export function parseReceipt(receipt: string | Uint8Array): Receipt {
  const text = readText(receipt);
  const split = text.indexOf('\n\n');
  const [version, ...lines] = text.slice(0, Math.max(0, split)).split('\n');
  const extra = lines[0]?.startsWith('extra ') ? readBase64(lines.shift()?.slice(6)) : undefined;
  const indexLine = lines.shift() ?? '';
  const index = indexLine.startsWith('index ') ? parseDecimal(indexLine.slice(6)) : undefined;
  if (version !== VERSION || index === undefined || lines.length > MAX_PROOF_HASHES) {
    throw new TlogError('receipt_malformed');
  }
  const proof = lines.map(readHash);
  const checkpoint = text.slice(split + 2);
  parseCheckpoint(parseNote(checkpoint).text);
  return { index, proof, checkpoint, ...(extra === undefined ? {} : { extra }) };
}

/**
 * Verifies that these bytes are the leaf at the receipt's index of a log that the policy believes, and
 * gives the checkpoint. Throws as `parseReceipt` and `openByPolicy`, `entry_too_large`, or `proof_refused`.
 */
export function verifyReceipt(options: {
  receipt: string | Uint8Array;
  leaf: Uint8Array;
  policy: Policy;
}): TrustedCheckpoint & { index: number } {
  const { index, proof, checkpoint: note } = parseReceipt(options.receipt);
  const trusted = openByPolicy(note, options.policy);
  const { size, root } = trusted.checkpoint;
  checkInclusion({ index, size, leafHash: hashLeaf(options.leaf), proof, root });
  return { ...trusted, index };
}

function readHash(line: string): Buffer {
  const hash = readBase64(line);
  if (hash.length !== HASH_BYTES) {
    throw new TlogError('receipt_malformed');
  }
  return hash;
}

/** Canonical base64 of at least one byte: an empty `extra` is written by leaving the line out. */
function readBase64(text = ''): Buffer {
  const bytes = decodeBase64(text);
  if (bytes === undefined || bytes.length === 0) {
    throw new TlogError('receipt_malformed');
  }
  return bytes;
}
