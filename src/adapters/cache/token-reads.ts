import { type Settled, type Soon, settle } from '../../domain/soon.ts';
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

type Found = StoredToken | undefined;

type Deps = Pick<Options, 'store' | 'shared'> & {
  counts: CacheCounts;
  memory: MemoryTokens;
  storeClock: StoreClock;
  /** Reads that are under way, for everybody who asks for the same meanwhile. */
  flights: Map<string, Promise<Found>>;
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
    findAllByFingerprint: (keys, notes) => readAll(keys, (key) => read(key, notes)),
    forget(keys) {
      for (const key of keys) memory.forget(key);
      shared?.drop(keys);
    },
    size: memory.size,
  };
}

function readThrough(deps: Deps, key: EntryKey, notes: ReadNotes): Soon<Found> {
  if (notes.isFresh) return readAnew(deps, key);
  return findInMemory(deps, key, notes) ?? readElsewhere(deps, key, notes);
}

/** Reads each of many, equal ones once. They share statements, and no failures. */
function readAll(
  keys: readonly FingerprintKey[],
  read: (key: FingerprintKey) => Soon<Found>,
): Promise<Settled<Found>[]> {
  const begun = new Map<string, Soon<Settled<Found>>>();
  const readOnce = (key: FingerprintKey) => {
    const name = nameOf(key);
    const settled = begun.get(name) ?? settle(read(key));
    begun.set(name, settled);
    return settled;
  };
  return Promise.all(keys.map(readOnce));
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

function readElsewhere(deps: Deps, key: EntryKey, notes: ReadNotes): Promise<Found> {
  const name = nameOf(key);
  // Between here and the beginning of a flight nothing is awaited, unless there is one to join.
  const flight = deps.flights.get(name);
  const begin = () => fly(deps, name, look(deps, key, notes));
  return flight === undefined ? begin() : join(flight, { key, notes, begin });
}

/**
 * What a read that is under way finds. It may have looked before this caller's request began, so what it finds
 * counts as cached; and when it finds nothing, or fails, it has nothing to say to anybody but who began it.
 */
async function join(
  flight: Promise<Found>,
  { key, notes, begin }: { key: EntryKey; notes: ReadNotes; begin: () => Promise<Found> },
): Promise<Found> {
  const row = await flight.catch(() => undefined);
  const joined = row && cachedRow(row);
  if (joined === undefined) return begin();
  notes.cached.push(asCached(key.vaultId, joined));
  return joined;
}

/** Lets others join a read for as long as it is under way. */
function fly({ flights }: Deps, name: string, flight: Promise<Found>): Promise<Found> {
  flights.set(name, flight);
  const land = () => {
    // Of two that began one after the other, the one that others can still join.
    if (flights.get(name) === flight) flights.delete(name);
  };
  flight.then(land, land);
  return flight;
}

async function look(deps: Deps, key: EntryKey, notes: ReadNotes): Promise<Found> {
  const { shared, storeClock, memory, counts } = deps;
  const found = shared && (await shared.find(key));
  const isLive = found !== undefined && storeClock.now() < endOf(found);
  if (shared !== undefined) counts.redis[isLive ? 'hit' : 'miss'] += 1;
  if (isLive) {
    memory.keep(key, found);
    notes.cached.push(asCached(key.vaultId, found));
    return found;
  }
  const row = await readStore(deps, key);
  remember(deps, key, row);
  return row;
}

/** Asks the store, and puts right what caches have of it. */
async function readAnew(deps: Deps, key: EntryKey): Promise<Found> {
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

async function readStore({ store, counts }: Deps, key: EntryKey): Promise<Found> {
  try {
    const row = await ('token' in key ? store.find(key) : store.findByFingerprint(key));
    counts.store[row === undefined ? 'miss' : 'hit'] += 1;
    return row;
  } catch (error) {
    counts.store.error += 1;
    throw error;
  }
}
