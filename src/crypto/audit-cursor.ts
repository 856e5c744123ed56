import { openCursorText } from './cursor.ts';
import { hkdfSha256 } from './digest.ts';
import { frame } from './framing.ts';
import { open, seal } from './sealed.ts';
import type { SecretKey } from './secret.ts';
import { makeXaesKey, type XaesKey } from './xaes.ts';

/** The term key of a month (`Keysets.auditTerms`). */
type MonthKey = { month: number; key: SecretKey };

/** Where a search goes on: the last event that was looked at. */
type Place = { logId: number; index: number };

const PLACE_BYTES = 10;

/**
 * A search's place as text for the caller: sealed, because how much lies between two hits is not theirs to
 * know, and bound to `query`, so that it continues that search of that caller only. The key is derived from
 * a month's term key: a cursor lives no longer than the index that it points into.
 */
export function sealCursor({ month, key }: MonthKey, query: string, place: Place): string {
  const plaintext = Buffer.alloc(PLACE_BYTES);
  plaintext.writeUInt32BE(place.logId);
  plaintext.writeUIntBE(place.index, 4, 6);
  const sealed = seal({ version: month, key: cursorKey(key), plaintext, aad: aadOf(query) });
  return sealed.toString('base64url');
}

/**
 * The place that a cursor names. Throws `invalid_request` at `/cursor` for everything that `sealCursor` did
 * not make for this very query.
 */
export function openCursor(keys: readonly MonthKey[], query: string, cursor: string): Place {
  return openCursorText(cursor, (sealed) => {
    const keyOf = (version: number) => findKey(keys, version);
    const place = open({ sealed, aad: aadOf(query), keyOf });
    return { logId: place.readUInt32BE(), index: place.readUIntBE(4, 6) };
  });
}

function findKey(keys: readonly MonthKey[], version: number): XaesKey | undefined {
  const found = keys.find(({ month }) => month === version);
  return found && cursorKey(found.key);
}

function cursorKey(key: SecretKey): XaesKey {
  return makeXaesKey(hkdfSha256({ key, info: frame(['counterfoil/audit-cursor/v1']) }));
}

function aadOf(query: string): Buffer {
  return frame(['counterfoil/audit-cursor/v1', query]);
}
