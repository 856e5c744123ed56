import { parseCheckpoint } from './checkpoint.ts';
import { checkHash, HASH_BYTES } from './hash.ts';
import { parseNote } from './note.ts';
import { checkNumber, parseDecimal } from './numbers.ts';
import { decodeBase64, readText } from './text.ts';
import { TlogError } from './tlog-error.ts';

/** What a log sends a witness: a checkpoint, and why it extends the one that the witness saw last. */
export type WitnessRequest = {
  /** Size of the tree that the witness is believed to have cosigned last; 0 for none. */
  oldSize: number;
  /** The consistency proof from there; empty when `oldSize` is 0 or the checkpoint's size. */
  proof: readonly Uint8Array[];
  /** The signed checkpoint, verbatim. */
  checkpoint: string;
};

/** Enough for trees of 2^63 leaves (tlog-witness, "add-checkpoint"). */
const MAX_PROOF_HASHES = 63;

/**
 * The body of `add-checkpoint` (tlog-witness): `old <size>`, the hashes, an empty line, the checkpoint.
 * Throws `number_invalid`, `hash_invalid`, or `request_malformed` for more than 63 hashes.
 */
export function formatWitnessRequest({ oldSize, proof, checkpoint }: WitnessRequest): string {
  checkNumber(oldSize);
  if (proof.length > MAX_PROOF_HASHES) {
    throw new TlogError('request_malformed');
  }
  const hashes = proof.map((hash) => {
    checkHash(hash);
    return Buffer.from(hash).toString('base64');
  });
  return `${[`old ${oldSize}`, ...hashes].join('\n')}\n\n${checkpoint}`;
}

/**
 * Reads such a body, strictly; nothing in it is verified. Throws `text_invalid`, `request_malformed`, or
 * as `parseNote` and `parseCheckpoint` for the checkpoint.
 */
export function parseWitnessRequest(body: string | Uint8Array): WitnessRequest {
  const text = readText(body);
  const split = text.indexOf('\n\n');
  const [oldLine = '', ...lines] = text.slice(0, Math.max(0, split)).split('\n');
  const oldSize = oldLine.startsWith('old ') ? parseDecimal(oldLine.slice(4)) : undefined;
  const proof = lines.flatMap((line) => decodeBase64(line) ?? []);
  const areHashes =
    proof.length === lines.length && proof.every(({ length }) => length === HASH_BYTES);
  if (oldSize === undefined || !areHashes || proof.length > MAX_PROOF_HASHES) {
    throw new TlogError('request_malformed');
  }
  const checkpoint = text.slice(split + 2);
  parseCheckpoint(parseNote(checkpoint).text);
  return { oldSize, proof, checkpoint };
}
