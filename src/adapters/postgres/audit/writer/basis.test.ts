import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Basis } from '../../../../operations/ports/audit-log.ts';
import { fitting, groundOf, NOTHING_STANDS, outdated } from './basis.ts';

const basisOf = (cached: number, ...vaultIds: number[]): Basis => ({
  policies: vaultIds.map((vaultId) => ({ vaultId, version: 1 })),
  cached: Array.from({ length: cached }, (_, index) => ({
    vaultId: 1,
    shard: 1,
    token: `tok_${index}`,
    sealed: Buffer.alloc(61),
    untilMs: 2_000,
  })),
});

it('lets no batch ask about more than 4,096 cached tokens, but for a request that does alone', () => {
  const events = [1_000, 3_000, 96, 1].map((cached) => ({ basis: basisOf(cached) }));
  assert.equal(fitting(events, 511), 3);
  assert.equal(fitting(events, 2), 2);
  assert.equal(fitting([{ basis: basisOf(5_000) }, {}], 511), 1);
  assert.equal(fitting([{}, {}, {}], 511), 3);
  assert.equal(fitting([], 511), 0);
});

it('asks about each vault once, and about every token', () => {
  const events = [{ basis: basisOf(2, 7, 8) }, {}, { basis: basisOf(3, 8, 9) }];
  const { vaultIds, cached } = groundOf(events);
  assert.deepEqual(vaultIds, [7, 8, 9]);
  assert.equal(cached.length, 5);
});

it('lets nothing hold that nobody has looked at', () => {
  const basis = basisOf(1, 7);
  assert.deepEqual(outdated('event', basis, NOTHING_STANDS)?.over, basis);
  assert.equal(outdated('event', basisOf(0), NOTHING_STANDS), undefined);
});

it('ends a token at the very moment at which it ends', () => {
  const basis = basisOf(1);
  const standing = { versions: new Map(), gone: new Set<never>() };
  assert.equal(outdated('event', basis, { ...standing, atMs: 1_999.9 }), undefined);
  assert.deepEqual(outdated('event', basis, { ...standing, atMs: 2_000 })?.over, basis);
});
