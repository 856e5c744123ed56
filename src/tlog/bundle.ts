import { MAX_ENTRY_BYTES } from './hash.ts';
import { checkNumber } from './numbers.ts';
import { TILE_WIDTH } from './tile.ts';
import { TlogError } from './tlog-error.ts';

const LENGTH_BYTES = 2;

/**
 * An entry bundle: each entry behind its length, u16 big-endian (tlog-tiles). Takes 1 to 256 entries
 * (`number_invalid`) of up to 65,535 bytes (`entry_too_large`).
 */
export function encodeBundle(entries: readonly Uint8Array[]): Buffer {
  checkNumber(entries.length, { min: 1, max: TILE_WIDTH });
  const total = entries.reduce((sum, entry) => sum + LENGTH_BYTES + entry.length, 0);
  const bundle = Buffer.alloc(total);
  let offset = 0;
  for (const entry of entries) {
    if (entry.length > MAX_ENTRY_BYTES) {
      throw new TlogError('entry_too_large');
    }
    offset = bundle.writeUInt16BE(entry.length, offset);
    bundle.set(entry, offset);
    offset += entry.length;
  }
  return bundle;
}

/**
 * The entries of a bundle that holds exactly `width` of them and nothing behind: views, not copies.
 * Throws `bundle_invalid`, or `number_invalid` for the width.
 */
export function decodeBundle(bundle: Uint8Array, width: number): Buffer[] {
  const { entries, end } = readEntries(bundle, width);
  if (end !== bundle.length) {
    throw new TlogError('bundle_invalid');
  }
  return entries;
}

/**
 * The first `width` entries of a bundle, still encoded: a partial bundle is a prefix of every wider
 * one, so only the widest need be stored. A view, not a copy. Throws `bundle_invalid` when there are fewer.
 */
export function sliceBundle(bundle: Uint8Array, width: number): Buffer {
  return view(bundle).subarray(0, readEntries(bundle, width).end);
}

function readEntries(bundle: Uint8Array, width: number): { entries: Buffer[]; end: number } {
  checkNumber(width, { min: 1, max: TILE_WIDTH });
  const bytes = view(bundle);
  const entries: Buffer[] = [];
  let offset = 0;
  while (entries.length < width) {
    const start = offset + LENGTH_BYTES;
    const end = start <= bytes.length ? start + bytes.readUInt16BE(offset) : start;
    if (end > bytes.length) {
      throw new TlogError('bundle_invalid');
    }
    entries.push(bytes.subarray(start, end));
    offset = end;
  }
  return { entries, end: offset };
}

function view(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
