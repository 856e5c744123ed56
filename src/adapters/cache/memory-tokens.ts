import { LRUCache } from 'lru-cache';
import type { Forgettable } from '../../operations/ports/token-reads.ts';
import type { TokenKey } from '../../operations/ports/token-store.ts';
import { type CachedRow, type EntryKey, nameOf, tokenName } from './entry.ts';

/**
 * What an entry takes beside its texts, in bytes: its object and numbers, and its places in the lists of the
 * cache and in their spare room. Measured over 100,000 entries.
 */
const OVERHEAD_BYTES = 400;

/**
 * A row, packed: its sealed value as a text of one byte a character. As a buffer of its own it would take 400
 * bytes more, and as a part of the driver's buffer hold all of that.
 */
type Packed = {
  shard: number;
  fieldId: number;
  sealed: string;
  createdAtMs: number;
  readAtMs: number;
  expiresAtMs: number | undefined;
};

/**
 * A value leads to its token by name, so that rows stand here once, and who forgets a token forgets its value.
 * `sealed` tells that it is the row of this value still: a token that was erased may be imported for another.
 */
type Alias = { name: string; sealed: string };

/** What this process remembers; the least recently used goes first. Its rows are copies. */
export type MemoryTokens = {
  find(key: EntryKey): CachedRow | undefined;
  keep(key: EntryKey, row: CachedRow): void;
  forget(key: EntryKey | Forgettable): void;
  size(): { entries: number; bytes: number };
};

/**
 * Makes an empty memory.
 *
 * @param options.maxBytes bound of what it takes, overhead included; 0: it keeps nothing
 */
export function makeMemoryTokens({ maxBytes }: { maxBytes: number }): MemoryTokens {
  const entries = new LRUCache<string, Packed | Alias>({
    // The library takes 0 for "without bound".
    maxSize: Math.max(1, maxBytes),
    sizeCalculation: sizeOf,
  });

  const findToken = (key: TokenKey): CachedRow | undefined => {
    const packed = entries.get(tokenName(key));
    return packed === undefined || 'name' in packed ? undefined : unpack(key.token, packed);
  };

  const findByAlias = ({ name, sealed }: Alias): CachedRow | undefined => {
    const packed = entries.get(name);
    const isSame = packed !== undefined && 'shard' in packed && packed.sealed === sealed;
    return isSame ? unpack(name.slice(name.indexOf('/') + 1), packed) : undefined;
  };

  return {
    find(key) {
      if ('token' in key) return findToken(key);
      const alias = entries.get(nameOf(key));
      return alias === undefined || 'shard' in alias ? undefined : findByAlias(alias);
    },
    keep(key, row) {
      const name = tokenName({ vaultId: key.vaultId, token: row.token });
      const packed = pack(row);
      if (!('token' in key)) entries.set(nameOf(key), { name, sealed: packed.sealed });
      entries.set(name, packed);
    },
    forget(key) {
      entries.delete('token' in key ? tokenName(key) : nameOf(key));
    },
    size: () => ({ entries: entries.size, bytes: entries.calculatedSize }),
  };
}

function sizeOf(entry: Packed | Alias, name: string): number {
  if ('name' in entry) return OVERHEAD_BYTES + name.length + entry.name.length;
  return OVERHEAD_BYTES + name.length + entry.sealed.length;
}

function pack(row: CachedRow): Packed {
  const { shard, fieldId, sealed, createdAt, readAtMs, expiresAt } = row;
  return {
    shard,
    fieldId,
    sealed: sealed.toString('latin1'),
    createdAtMs: createdAt.getTime(),
    readAtMs,
    expiresAtMs: expiresAt?.getTime(),
  };
}

function unpack(token: string, packed: Packed): CachedRow {
  const { shard, fieldId, sealed, createdAtMs, readAtMs, expiresAtMs } = packed;
  return {
    token,
    shard,
    fieldId,
    sealed: Buffer.from(sealed, 'latin1'),
    createdAt: new Date(createdAtMs),
    readAtMs,
    ...(expiresAtMs !== undefined && { expiresAt: new Date(expiresAtMs) }),
  };
}
