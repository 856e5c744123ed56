import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { it } from 'node:test';
import { VaultError } from '../../domain/errors.ts';
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
  const state = { asked: [] as number[], isDown: false };
  const findByFingerprint = async (key: FingerprintKey): Promise<StoredToken | undefined> => {
    state.asked.push(key.fieldId);
    if (state.isDown) throw new VaultError('store_unavailable');
    const { fieldId, shard } = key;
    const times = { createdAt: new Date(START_MS), readAtMs: START_MS };
    return known.includes(key)
      ? { token: `tok_${fieldId}`, shard, fieldId, sealed: randomBytes(77), ...times }
      : undefined;
  };
  const counts = makeCacheCounts();
  const store = { find: async () => undefined, findByFingerprint };
  const reads = makeTokenReads({ store, clock: { monotonic: () => 0 }, maxBytes, counts });
  return { reads, state, counts };
}

const tokensOf = (rows: readonly (StoredToken | undefined)[]) => rows.map((row) => row?.token);

it('finds many values in their order, and asks the store for those only that it does not remember', async () => {
  const [first, absent, second, third] = [keyOf(1), keyOf(2), keyOf(3), keyOf(4)];
  const { reads, state, counts } = open([first, second, third]);
  await reads.findAllByFingerprint([first, third], noted());
  state.asked = [];
  const notes = noted();
  const rows = await reads.findAllByFingerprint([absent, first, second, third], notes);
  assert.deepEqual(tokensOf(rows), [undefined, 'tok_1', 'tok_3', 'tok_4']);
  assert.deepEqual(state.asked, [2, 3]);
  assert.deepEqual(
    notes.cached.map(({ token }) => token),
    ['tok_1', 'tok_4'],
    'what was not read now is noted, and nothing else',
  );
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

it('fails when the store fails, and remembers nothing of it', async () => {
  const keys = [keyOf(1), keyOf(2)];
  const { reads, state, counts } = open(keys);
  state.isDown = true;
  const failing = async () => reads.findAllByFingerprint(keys, noted());
  await assert.rejects(failing, { code: 'store_unavailable' });
  assert.equal(counts.store.error, 2);
  state.isDown = false;
  assert.deepEqual(tokensOf(await reads.findAllByFingerprint(keys, noted())), ['tok_1', 'tok_2']);
});
