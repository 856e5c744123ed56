import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PendingName, PendingWriter } from './pending.ts';
import { planBatches } from './plan.ts';

type Row = Partial<PendingName> & Pick<PendingName, 'firstSeq'>;

const writer = (bootId: string, nextSeq: number, ...rows: Row[]): PendingWriter => ({
  bootId,
  nextSeq,
  rows: rows.map((row) => ({
    day: '2026-01-01',
    bootId,
    count: 10,
    bytes: 100,
    ageSeconds: 0,
    ...row,
  })),
});
const plan = (writers: PendingWriter[], limits = { events: 1_000, bytes: 100_000 }) => {
  const { chosen, isFull } = planBatches(writers, limits);
  return { names: chosen.map(({ bootId, firstSeq }) => `${bootId}${firstSeq}`), isFull };
};

test('a chain ends at the first hole', () => {
  const rows = [{ firstSeq: 0 }, { firstSeq: 10 }, { firstSeq: 30 }];
  assert.deepEqual(plan([writer('a', 0, ...rows)]).names, ['a0', 'a10']);
  assert.deepEqual(plan([writer('a', 5, ...rows.slice(1))]).names, []);
});

test('rows that overlap are all chosen: only their MACs tell which is genuine', () => {
  const rows = [{ firstSeq: 0 }, { firstSeq: 0 }, { firstSeq: 3 }, { firstSeq: 10 }];
  assert.deepEqual(plan([writer('a', 0, ...rows)]).names, ['a0', 'a0', 'a3', 'a10']);
});

test('who waits longest goes first, but never before its own predecessor', () => {
  const a = writer('a', 0, { firstSeq: 0, ageSeconds: 1 }, { firstSeq: 10, ageSeconds: 9 });
  const b = writer('b', 0, { firstSeq: 0, ageSeconds: 5 }, { firstSeq: 10, ageSeconds: 0 });
  assert.deepEqual(plan([a, b]).names, ['b0', 'a0', 'a10', 'b10']);
});

test('stops at either limit, and takes at least one row', () => {
  const rows = writer('a', 0, { firstSeq: 0 }, { firstSeq: 10 }, { firstSeq: 20 });
  assert.deepEqual(plan([rows], { events: 20, bytes: 1_000 }), {
    names: ['a0', 'a10'],
    isFull: true,
  });
  assert.deepEqual(plan([rows], { events: 99, bytes: 250 }), {
    names: ['a0', 'a10'],
    isFull: true,
  });
  assert.deepEqual(plan([rows], { events: 1, bytes: 1 }), { names: ['a0'], isFull: true });
  assert.deepEqual(plan([rows], { events: 30, bytes: 300 }).isFull, false);
});
