import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { it } from 'node:test';
import { VaultError } from '../../domain/errors.ts';
import type { Settled } from '../../domain/soon.ts';
import type { ReadNotes } from '../../operations/ports/token-reads.ts';
import type { FingerprintKey, StoredToken } from '../../operations/ports/token-store.ts';
import { makeCacheCounts } from '../../telemetry/metrics-cache.ts';
import { makeTokenReads } from './token-reads.ts';

const START_MS = 1_700_000_000_000;

const noted = (isFresh = false): ReadNotes => ({ isFresh, cached: [] });

const keyOf = (fieldId: number): FingerprintKey => ({
  vaultId: 1,
  shard: 7,
  fieldId,
  fingerprint: { version: 1, digest: randomBytes(16) },
});

/** Reads over a store that has the values of `known`, each under a token that names its field. */
function open(known: readonly FingerprintKey[], maxBytes = 1024 * 1024) {
  const state = { asked: [] as number[], down: [] as readonly FingerprintKey[] };
  let gate: PromiseWithResolvers<void> | undefined;
  const findByFingerprint = async (key: FingerprintKey): Promise<StoredToken | undefined> => {
    state.asked.push(key.fieldId);
    const [isDown, isKnown] = [state.down.includes(key), known.includes(key)];
    await gate?.promise;
    if (isDown) throw new VaultError('store_unavailable');
    const { fieldId, shard } = key;
    const times = { createdAt: new Date(START_MS), readAtMs: START_MS };
    return isKnown
      ? { token: `tok_${fieldId}`, shard, fieldId, sealed: randomBytes(77), ...times }
      : undefined;
  };
  const counts = makeCacheCounts();
  const store = { find: async () => undefined, findByFingerprint };
  const reads = makeTokenReads({ store, clock: { monotonic: () => 0 }, maxBytes, counts });
  const hold = () => {
    gate = Promise.withResolvers();
    return gate;
  };
  return { reads, state, counts, hold };
}

/** Tokens in their places, and the codes of those that failed. */
const tokensOf = (settled: readonly Settled<StoredToken | undefined>[]) =>
  settled.map((one) => ('done' in one ? one.done?.token : codeOf(one.error)));

const codeOf = (error: unknown) => (error instanceof VaultError ? error.code : 'no VaultError');

const cachedIn = ({ cached }: ReadNotes) => cached.map(({ token }) => token);

it('finds many values in their order, and asks the store for those only that it does not remember', async () => {
  const [first, absent, second, third] = [keyOf(1), keyOf(2), keyOf(3), keyOf(4)];
  const { reads, state, counts } = open([first, second, third]);
  await reads.findAllByFingerprint([first, third], noted());
  state.asked = [];
  const notes = noted();
  const rows = await reads.findAllByFingerprint([absent, first, second, third], notes);
  assert.deepEqual(tokensOf(rows), [undefined, 'tok_1', 'tok_3', 'tok_4']);
  assert.deepEqual(state.asked, [2, 3]);
  assert.deepEqual(cachedIn(notes), ['tok_1', 'tok_4'], 'what was not read now, and nothing else');
  assert.deepEqual(counts.memory, { hit: 2, miss: 4, error: 0 });
  assert.deepEqual(counts.store, { hit: 3, miss: 1, error: 0 });
});

it('asks the store for all of them when a cache was behind, or there is none', async () => {
  const keys = [keyOf(1), keyOf(2)];
  for (const { isFresh, maxBytes } of [
    { isFresh: true, maxBytes: 1024 * 1024 },
    { isFresh: false, maxBytes: 0 },
  ]) {
    const { reads, state } = open(keys, maxBytes);
    await reads.findAllByFingerprint(keys, noted());
    state.asked = [];
    const notes = noted(isFresh);
    assert.deepEqual(tokensOf(await reads.findAllByFingerprint(keys, notes)), ['tok_1', 'tok_2']);
    assert.deepEqual(state.asked, [1, 2]);
    assert.deepEqual(notes.cached, []);
  }
});

it('lets a look-up that fails fail alone, and remembers the rows that its neighbours found', async () => {
  const [first, failing, absent, second] = [keyOf(1), keyOf(2), keyOf(3), keyOf(4)];
  const { reads, state, counts } = open([first, failing, second]);
  state.down = [failing];
  const keys = [first, failing, absent, second];
  const settled = await reads.findAllByFingerprint(keys, noted());
  assert.deepEqual(tokensOf(settled), ['tok_1', 'store_unavailable', undefined, 'tok_4']);
  assert.deepEqual(counts.store, { hit: 2, miss: 1, error: 1 });
  state.asked = [];
  state.down = [];
  const again = await reads.findAllByFingerprint(keys, noted());
  assert.deepEqual(tokensOf(again), ['tok_1', 'tok_2', undefined, 'tok_4']);
  assert.deepEqual(state.asked, [2, 3]);
});

it('answers for what it remembers while the store is down', async () => {
  const [known, other] = [keyOf(1), keyOf(2)];
  const { reads, state } = open([known, other]);
  await reads.findAllByFingerprint([known], noted());
  state.down = [known, other];
  const settled = await reads.findAllByFingerprint([other, known], noted());
  assert.deepEqual(tokensOf(settled), ['store_unavailable', 'tok_1']);
});

it('asks once for equal values, which end alike', async () => {
  const [known, failing] = [keyOf(1), keyOf(2)];
  const { reads, state } = open([known, failing]);
  state.down = [failing];
  const settled = await reads.findAllByFingerprint([known, failing, known, failing], noted());
  const code = 'store_unavailable';
  assert.deepEqual(tokensOf(settled), ['tok_1', code, 'tok_1', code]);
  assert.deepEqual(state.asked, [1, 2]);
});

it('shares the reads of batches and of single callers that are under way, and all but the first note them', async () => {
  const keys = [keyOf(1), keyOf(2)];
  const [one, two] = keys as [FingerprintKey, FingerprintKey];
  const { reads, state, hold } = open(keys);
  const gate = hold();
  const notes = [noted(), noted(), noted(), noted()] as const;
  const single = reads.findByFingerprint(one, notes[0]);
  const batches = [notes[1], notes[2]].map((each) => reads.findAllByFingerprint(keys, each));
  const last = reads.findByFingerprint(two, notes[3]);
  gate.resolve();
  assert.equal((await single)?.token, 'tok_1');
  for (const batch of batches) assert.deepEqual(tokensOf(await batch), ['tok_1', 'tok_2']);
  assert.equal((await last)?.token, 'tok_2');
  assert.deepEqual(state.asked, [1, 2]);
  assert.deepEqual(notes.map(cachedIn), [[], ['tok_1'], ['tok_1', 'tok_2'], ['tok_2']]);
});

it('lets no batch believe a read of another that failed or found nothing', async () => {
  const [failing, absent] = [keyOf(1), keyOf(2)];
  const known = [failing];
  const { reads, state, hold } = open(known);
  state.down = [failing];
  const gate = hold();
  const keys = [failing, absent];
  const before = reads.findAllByFingerprint(keys, noted());
  const notes = noted();
  const after = reads.findAllByFingerprint(keys, notes);
  state.down = [];
  known.push(absent);
  gate.resolve();
  assert.deepEqual(tokensOf(await before), ['store_unavailable', undefined]);
  assert.deepEqual(tokensOf(await after), ['tok_1', 'tok_2']);
  assert.deepEqual(notes.cached, []);
  assert.deepEqual(state.asked, [1, 2, 1, 2]);
});
