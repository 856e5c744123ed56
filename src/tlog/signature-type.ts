import { SIGNATURE_BYTES } from './ed25519.ts';
import { checkNumber } from './numbers.ts';

const TIME_BYTES = 8;

type SignatureTypeRow = {
  /** The byte of signed-note's registry: part of the key id, and first byte of an encoded key. */
  byte: number;
  /** Bytes of the blob in front of the Ed25519 signature. */
  headerBytes: number;
  /** Whether a signature with this header may be believed. */
  isHeader: (header: Buffer) => boolean;
  /** What is signed. */
  message: (text: string, header: Buffer) => string;
};

/** The Ed25519 signature types of the registry that are used here. Keys of other types stay unknown. */
export const SIGNATURE_TYPES = {
  /** A log's signature on a note (signed-note, "Ed25519 signatures"). */
  ed25519: { byte: 0x01, headerBytes: 0, isHeader: () => true, message: (text) => text },
  /** A witness's timestamped signature on a checkpoint (tlog-cosignature, "Ed25519 signed message"). */
  cosignature: {
    byte: 0x04,
    headerBytes: TIME_BYTES,
    // A time from 2^53 does not fit a number, and lies beyond all calendars.
    isHeader: (header) => Number.isSafeInteger(cosignatureTimeSeconds(header)),
    message: (text, header) => `cosignature/v1\ntime ${cosignatureTimeSeconds(header)}\n${text}`,
  },
} as const satisfies Record<string, SignatureTypeRow>;

export type SignatureType = keyof typeof SIGNATURE_TYPES;

/** The length of a signature's blob: what follows the 4 bytes of the key id. */
export function blobBytes(type: SignatureType): number {
  return SIGNATURE_TYPES[type].headerBytes + SIGNATURE_BYTES;
}

/** The time in a cosignature's blob, in POSIX seconds. */
export function cosignatureTimeSeconds(blob: Buffer): number {
  return Number(blob.readBigUInt64BE());
}

/** The header of a cosignature's blob: POSIX seconds, u64 big-endian. Throws `number_invalid`. */
export function cosignatureHeader(timeSeconds: number): Buffer {
  checkNumber(timeSeconds);
  const header = Buffer.alloc(TIME_BYTES);
  header.writeBigUInt64BE(BigInt(timeSeconds));
  return header;
}
