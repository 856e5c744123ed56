import assert from 'node:assert/strict';
import { it } from 'node:test';
import { leavesOf, openSlot, STORED, waiting } from '../../../../../test/helpers/slot.ts';
import { VaultError } from '../../../../domain/errors.ts';
import type { Batch } from './batch.ts';
import type { Committed } from './commit.ts';

it('writes a heartbeat 60 s after its last batch, numbered like any event', async () => {
  const { slot, batches, clock } = openSlot();
  await slot.beat();
  clock.nowMs = 100_000;
  await slot.beat();
  assert.equal(batches.length, 0, 'a writer that never wrote has no life to show');
  await slot.write([waiting().one]);
  clock.nowMs += 59_999;
  await slot.beat();
  clock.nowMs += 1;
  await slot.beat();
  await slot.beat();
  clock.nowMs += 60_000;
  await slot.beat();
  await slot.write([waiting().one]);
  await slot.stop();
  clock.nowMs += 60_000;
  await slot.beat();
  assert.deepEqual(
    batches.flatMap(leavesOf).map(({ op, w }) => [op, w[1]]),
    [
      ['audit.writer.start', 0],
      ['lookup', 1],
      ['audit.writer.heartbeat', 2],
      ['audit.writer.heartbeat', 3],
      ['lookup', 4],
      ['audit.writer.stop', 5],
    ],
  );
});

it('writes no heartbeat while a batch is at work, and tries again after one that failed', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const begun: Batch[] = [];
  let outcome: () => Promise<Committed> = async () => STORED;
  const { slot, clock } = openSlot({
    commit: async (batch) => {
      begun.push(batch);
      return outcome();
    },
  });
  await slot.write([waiting().one]);
  clock.nowMs += 60_000;
  outcome = () => promise.then(() => STORED);
  const writing = slot.write([waiting().one]);
  await slot.beat();
  assert.equal(slot.inHand.length, 1);
  resolve();
  await writing;
  assert.equal(begun.length, 2);
  clock.nowMs += 60_000;
  outcome = () => Promise.reject(new VaultError('store_unavailable'));
  await slot.beat();
  assert.equal(slot.busy, false);
  outcome = async () => STORED;
  await slot.beat();
  assert.deepEqual(
    begun.map(({ firstSeq }) => firstSeq),
    [0n, 2n, 3n, 3n],
  );
});

it('takes a new name when the log took it for dead, and leaves the old one as it is', async () => {
  const { slot, batches, clock } = openSlot();
  await slot.write([waiting().one]);
  slot.retire('somebody else');
  await slot.write([waiting().one]);
  assert.equal(batches[1]?.bootId, batches[0]?.bootId);
  slot.retire(batches[0]?.bootId ?? '');
  clock.nowMs += 60_000;
  await slot.beat();
  await slot.write([waiting().one]);
  await slot.stop();
  assert.notEqual(batches[2]?.bootId, batches[0]?.bootId);
  assert.deepEqual(
    batches
      .slice(2)
      .flatMap(leavesOf)
      .map(({ op, w }) => [op, w[1]]),
    [
      ['audit.writer.start', 0],
      ['lookup', 1],
      ['audit.writer.stop', 2],
    ],
  );
});
