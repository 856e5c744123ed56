import { frame } from '../../crypto/framing.ts';
import type { CachedRow } from './entry.ts';

const LENGTH_BYTES = 4;

/** A row as bytes: its members in order, framed. */
export function encodeRow(row: CachedRow): Buffer {
  const { token, shard, fieldId, createdAt, readAtMs, expiresAt, sealed } = row;
  return frame([
    token,
    shard,
    fieldId,
    createdAt.getTime(),
    // A fraction of a millisecond earlier than it was: the entry ends no later for it.
    Math.floor(readAtMs),
    expiresAt?.getTime() ?? '',
    sealed,
  ]);
}

/** The row in bytes of `encodeRow`. Who gives it other bytes has not looked whether they are ours. */
export function decodeRow(bytes: Buffer): CachedRow {
  const reader = makeReader(bytes);
  const row = {
    token: reader.text(),
    shard: Number(reader.text()),
    fieldId: Number(reader.text()),
    createdAt: new Date(Number(reader.text())),
    readAtMs: Number(reader.text()),
  };
  const expiresAtMs = reader.text();
  return {
    ...row,
    ...(expiresAtMs !== '' && { expiresAt: new Date(Number(expiresAtMs)) }),
    sealed: reader.bytes(),
  };
}

function makeReader(framed: Buffer) {
  let offset = 0;
  const bytes = (): Buffer => {
    const from = offset + LENGTH_BYTES;
    offset = from + framed.readUInt32BE(offset);
    return framed.subarray(from, offset);
  };
  return { bytes, text: () => bytes().toString('utf8') };
}
