import type { VolatileToken } from '../../operations/ports/volatile-store.ts';

/** What an entry holds beside what its key says. */
type Entry = Omit<VolatileToken, 'vaultId' | 'token'> & { isLimited: boolean };

// 0x01 ‖ flags ‖ u16be field id ‖ u64be created ‖ u64be expires ‖ u32be length of sealed ‖ sealed ‖ metadata
const FORMAT = 0x01;
const LIMITED = 0x01;
const HAS_METADATA = 0x02;
const HEADER_BYTES = 24;

/** An entry as bytes. */
export function encodeVolatile(entry: Entry): Buffer {
  const { fieldId, createdAtMs, expiresAtMs, sealed, metadata, isLimited } = entry;
  const header = Buffer.alloc(HEADER_BYTES);
  header[0] = FORMAT;
  header[1] = (isLimited ? LIMITED : 0) | (metadata === undefined ? 0 : HAS_METADATA);
  header.writeUInt16BE(fieldId, 2);
  header.writeBigUInt64BE(BigInt(createdAtMs), 4);
  header.writeBigUInt64BE(BigInt(expiresAtMs), 12);
  header.writeUInt32BE(sealed.length, 20);
  return Buffer.concat([header, sealed, metadata ?? Buffer.alloc(0)]);
}

/**
 * The entry in these bytes; `undefined` for anything that is none. Nothing in it is to be believed before
 * `sealed`, which is bound to the rest, has opened.
 */
export function decodeVolatile(bytes: Buffer | null): Entry | undefined {
  if (bytes === null || bytes.length < HEADER_BYTES || bytes[0] !== FORMAT) return undefined;
  const flags = bytes[1] ?? 0;
  const metadataAt = HEADER_BYTES + bytes.readUInt32BE(20);
  if (metadataAt > bytes.length) return undefined;
  return {
    fieldId: bytes.readUInt16BE(2),
    createdAtMs: Number(bytes.readBigUInt64BE(4)),
    expiresAtMs: Number(bytes.readBigUInt64BE(12)),
    sealed: bytes.subarray(HEADER_BYTES, metadataAt),
    isLimited: (flags & LIMITED) !== 0,
    ...((flags & HAS_METADATA) !== 0 && { metadata: bytes.subarray(metadataAt) }),
  };
}
