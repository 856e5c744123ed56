import assert from 'node:assert/strict';
import { it } from 'node:test';
import {
  keysets,
  leavesOf,
  openSlot,
  STORED,
  termKey,
  waiting,
} from '../../../../../test/helpers/slot.ts';
import { type TermKind, termOf } from '../../../../crypto/audit-term.ts';
import { VaultError } from '../../../../domain/errors.ts';
import { decodeTerms } from '../framing.ts';
import type { Ground } from './basis.ts';
import type { Waiting } from './queue.ts';

it('begins with its start at 0 and numbers on without a hole', async () => {
  const { slot, batches } = openSlot();
  await slot.write([waiting().one, waiting().one]);
  await slot.write([waiting().one]);
  await slot.stop();
  const leaves = batches.flatMap(leavesOf);
  assert.deepEqual(
    leaves.map(({ op, w }) => [op, w[1]]),
    [
      ['audit.writer.start', 0],
      ['lookup', 1],
      ['lookup', 2],
      ['lookup', 3],
      ['audit.writer.stop', 4],
    ],
  );
  assert.ok(leaves.every(({ w }) => w[0] === batches[0]?.bootId));
  assert.deepEqual(
    batches.map(({ day, firstSeq }) => [day, firstSeq]),
    [
      ['2026-01-31', 0n],
      ['2026-01-31', 3n],
      ['2026-01-31', 4n],
    ],
  );
});

it('uses the numbers of a batch that was not stored again, and fails its callers', async () => {
  const { slot, batches, outcomes } = openSlot();
  outcomes.push(new VaultError('store_unavailable'));
  const lost = waiting();
  await slot.write([lost.one]);
  await assert.rejects(
    lost.answer,
    (error) => error instanceof VaultError && error.code === 'audit_unavailable',
  );
  const kept = waiting();
  await slot.write([kept.one]);
  assert.match((await kept.answer).eventId, /^[\w-]{22}$/);
  assert.deepEqual(
    batches.map(({ firstSeq }) => firstSeq),
    [0n, 0n],
  );
});

it('goes on under another name when its place in the log is taken by a row that is not its own', async () => {
  const { slot, batches, outcomes } = openSlot();
  outcomes.push(STORED, 'foreign');
  await slot.write([waiting().one]);
  const lost = waiting();
  await slot.write([lost.one]);
  await assert.rejects(lost.answer);
  await slot.write([waiting().one]);
  assert.notEqual(batches[2]?.bootId, batches[1]?.bootId);
  assert.equal(batches[2]?.firstSeq, 0n);
});

it('fails an event that cannot be sealed or is too long alone, without a hole', async () => {
  const { slot, batches } = openSlot({
    vaultIdOf: (name) => (name === 'locked' ? 9 : 1),
    keysets: {
      ...keysets,
      privateCipher: async (vaultId, atMs) => {
        if (vaultId === 9) {
          throw new VaultError('key_unavailable');
        }
        return keysets.privateCipher(vaultId, atMs);
      },
    },
  });
  const [good, locked, long, last] = [
    waiting({ vault: 'demo' }),
    waiting({ vault: 'locked' }),
    waiting({ policy: 'x'.repeat(70_000) }),
    waiting({ vault: 'demo' }),
  ];
  await slot.write([good.one, locked.one, long.one, last.one]);
  await Promise.all([assert.rejects(locked.answer), assert.rejects(long.answer)]);
  await Promise.all([good.answer, last.answer]);
  assert.deepEqual(
    batches.flatMap(leavesOf).map(({ w }) => w[1]),
    [0, 1, 2],
  );
});

it('writes nothing at all without the MAC key', async () => {
  const { slot, batches } = openSlot({
    keysets: { ...keysets, auditMac: () => Promise.reject(new VaultError('key_unavailable')) },
  });
  const lost = waiting();
  await slot.write([lost.one]);
  await assert.rejects(lost.answer);
  await slot.stop();
  assert.equal(batches.length, 0);
});

it('leaves what does not fit into 512 KiB for the next batch, in order', async () => {
  const { slot, batches } = openSlot();
  const tokens = Array.from({ length: 1_000 }, (_, index) => `tok_${index}`.padEnd(60, 'x'));
  const many = Array.from({ length: 20 }, () => waiting({ what: { tokens } }));
  let rest: readonly Waiting[] = many.map(({ one }) => one);
  while (rest.length > 0) {
    rest = await slot.write(rest);
  }
  await Promise.all(many.map(({ answer }) => answer));
  assert.ok(batches.length > 1);
  assert.ok(batches.every(({ what }) => what.length < 700 * 1024));
  assert.deepEqual(
    batches.flatMap(leavesOf).map(({ w }) => w[1]),
    Array.from({ length: 21 }, (_, index) => index),
  );
});

it('asks about the ground of those events only that are in the batch', async () => {
  const asked: Ground[] = [];
  const { slot } = openSlot({
    commit: async (_, ground) => {
      asked.push(ground);
      return STORED;
    },
  });
  const tokens = Array.from({ length: 1_000 }, (_, index) => `tok_${index}`.padEnd(60, 'x'));
  const many = Array.from({ length: 20 }, (_, vaultId) => ({
    ...waiting({ what: { tokens } }).one,
    basis: { policies: [{ vaultId, version: 1 }], cached: [] },
  }));
  const rest = await slot.write(many);
  assert.ok(rest.length > 0);
  assert.equal(asked[0]?.vaultIds.length, many.length - rest.length);
});

it('stores the terms of each event, in order of the events', async () => {
  const { slot, batches } = openSlot();
  const [full, bare] = [
    waiting({
      who: { actor: { subject: 'ada', issuer: 'i', credential: 'c', mfa: false } },
      what: { tokens: ['tok_1', 'tok_2'], purpose: 'support', reference: 'case-7' },
    }),
    waiting(),
  ];
  await slot.write([full.one, bare.one]);
  const [batch] = batches;
  assert.ok(batch?.terms);
  const expected: [TermKind, string][] = [
    ['token', 'tok_1'],
    ['token', 'tok_2'],
    ['actor', 'ada'],
    ['purpose', 'support'],
    ['reference', 'case-7'],
  ];
  assert.deepEqual(decodeTerms(batch.terms, batch.count), [
    [],
    expected.map(([kind, text]) => termOf(termKey, kind, text)),
    [],
  ]);
});

it('fails events whose term key cannot be had, and goes on when it can', async () => {
  let isLocked = true;
  const { slot, batches } = openSlot({
    keysets: {
      ...keysets,
      auditTerm: async () => {
        if (isLocked) throw new VaultError('key_unavailable');
        return termKey;
      },
    },
  });
  const lost = waiting();
  await slot.write([lost.one]);
  await assert.rejects(lost.answer, { code: 'audit_unavailable' });
  assert.equal(batches.length, 0);
  isLocked = false;
  const kept = waiting();
  await slot.write([kept.one]);
  await kept.answer;
});
