import type { Soon } from '../../domain/soon.ts';
import type { Clock } from '../../operations/ports/clock.ts';
import type { ReadNotes, TokenReads } from '../../operations/ports/token-reads.ts';
import type {
  FingerprintKey,
  StoredToken,
  TokenStore,
} from '../../operations/ports/token-store.ts';
import { type CacheCounts, makeCacheCounts } from '../../telemetry/metrics-cache.ts';
import { asCached, type CachedRow, cachedRow, type EntryKey, endOf, nameOf } from './entry.ts';
import { type MemoryTokens, makeMemoryTokens } from './memory-tokens.ts';
import type { SharedTokens } from './shared-tokens.ts';
import { makeStoreClock, type StoreClock } from './store-clock.ts';

type Options = {
  store: Pick<TokenStore, 'find' | 'findByFingerprint'>;
  clock: Pick<Clock, 'monotonic'>;
  /** Bound of what this process remembers; 0: nothing. */
  maxBytes: number;
  /** What several processes remember together. */
  shared?: SharedTokens | undefined;
  /** Counted up in place. */
  counts?: CacheCounts;
};

/** `size`: of what this process remembers, for metrics. */
export type CachedTokenReads = TokenReads & Pick<MemoryTokens, 'size'>;

/** What one read found; `isCached`: it may be older than the request that asked. */
type Read = { row: StoredToken | undefined; isCached: boolean };

type Deps = Pick<Options, 'store' | 'shared'> & {
  counts: CacheCounts;
  memory: MemoryTokens;
  storeClock: StoreClock;
  /** Reads that are under way, for everybody who asks for the same meanwhile. */
  flights: Map<string, Promise<Read>>;
};

/**
 * Reads tokens out of this process's memory, then out of the cache that processes share, then out of the
 * store. Callers who ask for the same at once share one read. Only what is there is remembered: that nothing
 * was found says nothing of a moment later.
 */
export function makeTokenReads(options: Options): CachedTokenReads {
  const { store, clock, maxBytes, shared, counts = makeCacheCounts() } = options;
  const memory = makeMemoryTokens({ maxBytes });
  const storeClock = makeStoreClock(clock);
  const deps = { store, shared, counts, memory, storeClock, flights: new Map() };
  const hasCaches = maxBytes > 0 || shared !== undefined;
  const read = (key: EntryKey, notes: ReadNotes) =>
    hasCaches ? readThrough(deps, key, notes) : readStore(deps, key);
  return {
    find: read,
    findByFingerprint: read,
    findAllByFingerprint: (keys, notes) =>
      maxBytes > 0 && shared === undefined && !notes.isFresh
        ? readAll(deps, keys, notes)
        : Promise.all(keys.map((key) => read(key, notes))),
    forget(keys) {
      for (const key of keys) memory.forget(key);
      shared?.drop(keys);
    },
    size: memory.size,
  };
}

function readThrough(deps: Deps, key: EntryKey, notes: ReadNotes): Soon<StoredToken | undefined> {
  if (notes.isFresh) return readAnew(deps, key);
  return findInMemory(deps, key, notes) ?? readElsewhere(deps, key, notes);
}

/**
 * Values out of memory, and all others out of the store. Nobody joins these reads: values of batches are new ones
 * mostly, and equal questions share a statement as it is.
 */
async function readAll(
  deps: Deps,
  keys: readonly FingerprintKey[],
  notes: ReadNotes,
): Promise<(StoredToken | undefined)[]> {
  const rows: (StoredToken | undefined)[] = keys.map((key) => findInMemory(deps, key, notes));
  const missing = keys.filter((_, index) => rows[index] === undefined);
  const found = (await readStoreAll(deps, missing)).values();
  return rows.map((row) => row ?? found.next().value);
}

async function readStoreAll(
  deps: Deps,
  keys: readonly FingerprintKey[],
): Promise<(StoredToken | undefined)[]> {
  const { store, counts } = deps;
  try {
    const rows = await Promise.all(keys.map((key) => store.findByFingerprint(key)));
    keys.forEach((key, index) => {
      const row = rows[index];
      counts.store[row === undefined ? 'miss' : 'hit'] += 1;
      remember(deps, key, row);
    });
    return rows;
  } catch (error) {
    counts.store.error += keys.length;
    throw error;
  }
}

function findInMemory(
  { memory, storeClock, counts }: Deps,
  key: EntryKey,
  notes: ReadNotes,
): CachedRow | undefined {
  const row = memory.find(key);
  const isLive = row !== undefined && storeClock.now() < endOf(row);
  counts.memory[isLive ? 'hit' : 'miss'] += 1;
  if (!isLive) return undefined;
  notes.cached.push(asCached(key.vaultId, row));
  return row;
}

async function readElsewhere(
  deps: Deps,
  key: EntryKey,
  notes: ReadNotes,
): Promise<StoredToken | undefined> {
  const name = nameOf(key);
  // Between here and the beginning of a flight nothing is awaited, unless there is one to join.
  const flight = deps.flights.get(name);
  const joined = flight === undefined ? undefined : await join(flight);
  const { row, isCached } =
    joined === undefined ? await fly(deps, name, key) : { row: joined, isCached: true };
  if (row !== undefined && isCached) notes.cached.push(asCached(key.vaultId, row));
  return row;
}

/**
 * What a read that is under way finds. It may have looked before this caller's request began, so what it finds
 * counts as cached; and when it finds nothing, or fails, it has nothing to say to anybody but who began it.
 */
async function join(flight: Promise<Read>): Promise<CachedRow | undefined> {
  const read = await flight.catch(() => undefined);
  return read?.row && cachedRow(read.row);
}

/** Begins a read that others may join. */
async function fly(deps: Deps, name: string, key: EntryKey): Promise<Read> {
  const { flights } = deps;
  const flight = look(deps, key);
  flights.set(name, flight);
  try {
    return await flight;
  } finally {
    // Of two that began one after the other, the one that others can still join.
    if (flights.get(name) === flight) flights.delete(name);
  }
}

async function look(deps: Deps, key: EntryKey): Promise<Read> {
  const { shared, storeClock, memory, counts } = deps;
  const found = shared && (await shared.find(key));
  const isLive = found !== undefined && storeClock.now() < endOf(found);
  if (shared !== undefined) counts.redis[isLive ? 'hit' : 'miss'] += 1;
  if (isLive) {
    memory.keep(key, found);
    return { row: found, isCached: true };
  }
  const row = await readStore(deps, key);
  remember(deps, key, row);
  return { row, isCached: false };
}

/** Asks the store, and puts right what caches have of it. */
async function readAnew(deps: Deps, key: EntryKey): Promise<StoredToken | undefined> {
  const row = await readStore(deps, key);
  if (row === undefined) {
    deps.memory.forget(key);
    deps.shared?.drop([key]);
  }
  remember(deps, key, row);
  return row;
}

function remember({ memory, shared, storeClock }: Deps, key: EntryKey, row?: StoredToken): void {
  const kept = row && cachedRow(row);
  if (kept === undefined) return;
  storeClock.note(kept.readAtMs);
  memory.keep(key, kept);
  shared?.keep(key, kept, endOf(kept) - kept.readAtMs);
}

async function readStore({ store, counts }: Deps, key: EntryKey): Promise<StoredToken | undefined> {
  try {
    const row = await ('token' in key ? store.find(key) : store.findByFingerprint(key));
    counts.store[row === undefined ? 'miss' : 'hit'] += 1;
    return row;
  } catch (error) {
    counts.store.error += 1;
    throw error;
  }
}
