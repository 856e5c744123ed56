import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { it } from 'node:test';
import { makeCacheSeal } from '../../crypto/cache-seal.ts';
import { SecretKey } from '../../crypto/secret.ts';
import { VaultError } from '../../domain/errors.ts';
import type { SharedCache } from '../../operations/ports/shared-cache.ts';
import type { ReadNotes } from '../../operations/ports/token-reads.ts';
import type { FingerprintKey, StoredToken, TokenKey } from '../../operations/ports/token-store.ts';
import { makeCacheCounts } from '../../telemetry/metrics-cache.ts';
import { makeSharedTokens } from './shared-tokens.ts';
import { makeTokenReads } from './token-reads.ts';

const MEBIBYTE = 1024 * 1024;
const LIFE_MS = 600_000;
const START_MS = 1_700_000_000_000;
const KEY: TokenKey = { vaultId: 1, shard: 7, token: 'tok_1' };
const VALUE = { ...KEY, fieldId: 3, fingerprint: { version: 1, digest: randomBytes(16) } };
const { token: _, ...BY_VALUE } = VALUE;

const noted = (isFresh = false): ReadNotes => ({ isFresh, cached: [] });

/** A shared cache in memory, to which a test can reach in. */
function memoryCache() {
  const entries = new Map<string, Buffer>();
  const cache: SharedCache = {
    get: async (names) => names.map((name) => entries.get(name)),
    put: (name, bytes) => entries.set(name, bytes),
    drop: (names) => names.forEach((name) => void entries.delete(name)),
    close: async () => {},
  };
  return { cache, entries };
}

/** A store of one row, whose reads wait while they are held up. */
function openStore() {
  const clock = { nowMs: 0, monotonic: () => clock.nowMs };
  const state = { reads: 0, row: undefined as Partial<StoredToken> | undefined, error: '' };
  let gate: PromiseWithResolvers<void> | undefined;
  const find = async (key: TokenKey | FingerprintKey): Promise<StoredToken | undefined> => {
    state.reads += 1;
    const { row, error } = state;
    const readAtMs = START_MS + clock.nowMs;
    await gate?.promise;
    if (error !== '') throw new VaultError('store_unavailable');
    const token = 'token' in key ? key.token : KEY.token;
    return row && { ...BLANK, token, readAtMs, ...row };
  };
  return {
    store: { find, findByFingerprint: find },
    clock,
    state,
    hold: () => {
      gate = Promise.withResolvers();
      return gate;
    },
  };
}

const BLANK = {
  shard: KEY.shard,
  fieldId: 3,
  sealed: randomBytes(77),
  createdAt: new Date(START_MS),
};

function open(sharedCache?: SharedCache, seal = makeCacheSeal(SecretKey.take(randomBytes(32)))) {
  const { store, clock, state, hold } = openStore();
  const counts = makeCacheCounts();
  const shared = sharedCache && {
    ...makeSharedTokens({ cache: sharedCache, seal: async () => seal, counts }),
  };
  const reads = makeTokenReads({ store, clock, maxBytes: MEBIBYTE, shared, counts });
  return { reads, clock, state, hold, counts, seal };
}

it('asks the store once, and notes what it says from then on', async () => {
  const { reads, state, counts } = open();
  state.row = { metadata: randomBytes(80) };
  const [first, second] = [noted(), noted()];
  const row = await reads.find(KEY, first);
  assert.deepEqual(first.cached, [], 'read after the request began');
  const { metadata, ...rest } = row ?? assert.fail();
  assert.ok(metadata);
  assert.deepEqual(await reads.find(KEY, second), rest);
  const untilMs = START_MS + LIFE_MS;
  assert.deepEqual(second.cached, [{ ...KEY, sealed: BLANK.sealed, untilMs }]);
  assert.equal(state.reads, 1);
  assert.deepEqual(counts.memory, { hit: 1, miss: 1, error: 0 });
  assert.deepEqual(counts.store, { hit: 1, miss: 0, error: 0 });
});

it('finds a known value by its fingerprint without the store', async () => {
  const { reads, state } = open();
  state.row = {};
  await reads.findByFingerprint(BY_VALUE, noted());
  const notes = noted();
  assert.equal((await reads.findByFingerprint(BY_VALUE, notes))?.token, KEY.token);
  assert.equal(notes.cached.length, 1);
  assert.equal(state.reads, 1);
});

it('lets a hundred callers share one read, all but the first of whom note it', async () => {
  const { reads, state, hold } = open();
  state.row = {};
  const { resolve } = hold();
  const notes = Array.from({ length: 100 }, () => noted());
  const rows = notes.map((each) => reads.find(KEY, each));
  resolve();
  for (const row of await Promise.all(rows)) assert.equal(row?.token, KEY.token);
  assert.equal(state.reads, 1);
  assert.deepEqual(
    notes.map(({ cached }) => cached.length),
    [0, ...new Array(99).fill(1)],
  );
});

it('lets nobody believe an older read that found nothing', async () => {
  const { reads, state, hold } = open();
  const { resolve } = hold();
  const before = reads.find(KEY, noted());
  state.row = {};
  const notes = noted();
  const after = reads.find(KEY, notes);
  resolve();
  assert.equal(await before, undefined);
  assert.equal((await after)?.token, KEY.token);
  assert.deepEqual(notes.cached, []);
});

it('lets nobody fail by the read of another', async () => {
  const { reads, state, hold } = open();
  const { resolve } = hold();
  state.error = 'down';
  const before = reads.find(KEY, noted());
  state.error = '';
  state.row = {};
  const after = reads.find(KEY, noted());
  resolve();
  await assert.rejects(async () => before);
  assert.ok(await after);
});

it('remembers no token whose reveals are counted, and shares none', async () => {
  const { reads, state, hold } = open();
  state.row = { revealsLeft: 2 };
  const { resolve } = hold();
  const notes = [noted(), noted()];
  const both = notes.map((each) => reads.find(KEY, each));
  resolve();
  await Promise.all(both);
  await reads.find(KEY, noted());
  assert.equal(state.reads, 3);
  assert.deepEqual(
    notes.flatMap(({ cached }) => cached),
    [],
  );
});

it('remembers nothing that was not there', async () => {
  const { reads, state } = open();
  assert.equal(await reads.find(KEY, noted()), undefined);
  state.row = {};
  assert.ok(await reads.find(KEY, noted()));
});

it('asks the store itself when that is asked for, and puts right what it remembers', async () => {
  const { cache } = memoryCache();
  const { reads, state } = open(cache);
  state.row = {};
  await reads.find(KEY, noted());
  state.row = { sealed: randomBytes(77) };
  const fresh = noted(true);
  assert.deepEqual((await reads.find(KEY, fresh))?.sealed, state.row.sealed);
  assert.deepEqual(fresh.cached, []);
  assert.deepEqual((await reads.find(KEY, noted()))?.sealed, state.row.sealed);
  state.row = undefined;
  assert.equal(await reads.find(KEY, noted(true)), undefined);
  assert.equal(await reads.find(KEY, noted()), undefined);
  assert.equal(state.reads, 4);
});

it('ends an entry after ten minutes of the store, and no later than its token', async () => {
  for (const lifeMs of [LIFE_MS, 5_000]) {
    const { reads, state, clock } = open();
    state.row = lifeMs === LIFE_MS ? {} : { expiresAt: new Date(START_MS + lifeMs) };
    await reads.find(KEY, noted());
    clock.nowMs += lifeMs - 1;
    await reads.find(KEY, noted());
    assert.equal(state.reads, 1);
    clock.nowMs += 1;
    await reads.find(KEY, noted());
    assert.equal(state.reads, 2);
  }
});

it('forgets what it is told to, here and in the shared cache', async () => {
  const { cache, entries } = memoryCache();
  const { reads, state } = open(cache);
  state.row = {};
  await reads.find(KEY, noted());
  await until(() => entries.size === 1);
  reads.forget([KEY]);
  await until(() => entries.size === 0);
  await reads.find(KEY, noted());
  assert.equal(state.reads, 2);
});

it('takes from the shared cache what another instance has put there, and notes it', async () => {
  const { cache, entries } = memoryCache();
  const one = open(cache);
  one.state.row = {};
  const row = await one.reads.find(KEY, noted());
  await until(() => entries.size === 1);
  const other = open(cache, one.seal);
  // Nobody knows the time of the store before it has answered once.
  await other.reads.find({ ...KEY, token: 'tok_other' }, noted());
  other.state.row = {};
  await other.reads.find({ ...KEY, token: 'tok_2' }, noted());
  const notes = noted();
  assert.deepEqual(await other.reads.find(KEY, notes), row);
  assert.equal(notes.cached.length, 1);
  assert.equal(other.state.reads, 2);
  assert.equal(other.counts.redis.hit, 1);
});

it('keeps nothing that a person’s secret has sealed, in no cache', async () => {
  const { cache, entries } = memoryCache();
  const { reads, state } = open(cache);
  state.row = { subject: { id: '9', digest: randomBytes(32), sealedSecret: randomBytes(93) } };
  await reads.find(KEY, noted());
  state.row = {};
  await reads.find({ ...KEY, token: 'tok_2' }, noted());
  await until(() => entries.size === 1);
  assert.equal(reads.size().entries, 1);
  await reads.find(KEY, noted());
  assert.equal(state.reads, 3);
});

it('takes altered, swapped, foreign and ended entries of the shared cache for misses', async () => {
  const { cache, entries } = memoryCache();
  const one = open(cache);
  one.state.row = {};
  await one.reads.find(KEY, noted());
  await until(() => entries.size === 1);
  const [[name, entry]] = [...entries] as [[string, Buffer]];
  assert.ok(!name.includes(KEY.token));
  const altered = [...entry.keys()].map((at) => {
    const copy = Buffer.from(entry);
    copy[at] = (copy[at] ?? 0) ^ 1;
    return copy;
  });
  const alike = { ...KEY, token: 'tok_2' };
  await one.reads.find(alike, noted());
  await until(() => entries.size === 2);
  const swapped = [...entries.values()].at(-1) ?? assert.fail();
  for (const bytes of [
    ...altered,
    swapped,
    entry.subarray(0, 40),
    Buffer.alloc(1),
    Buffer.alloc(0),
  ]) {
    const other = open(cache, one.seal);
    other.state.row = {};
    await other.reads.find({ ...KEY, token: 'tok_3' }, noted());
    entries.set(name, bytes);
    const notes = noted();
    assert.ok(await other.reads.find(KEY, notes));
    assert.deepEqual(notes.cached, []);
    assert.equal(other.counts.redis.error, 1);
  }
  entries.set(name, entry);
  const late = open(cache, one.seal);
  late.clock.nowMs = LIFE_MS;
  late.state.row = {};
  await late.reads.find({ ...KEY, token: 'tok_3' }, noted());
  await late.reads.find(KEY, noted());
  assert.equal(late.state.reads, 2);
});

async function until(isSo: () => boolean): Promise<void> {
  for (let turn = 0; turn < 1_000 && !isSo(); turn += 1) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.ok(isSo());
}
