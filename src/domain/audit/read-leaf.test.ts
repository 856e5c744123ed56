import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { leafJson } from './leaf.ts';
import { readLeaf } from './read-leaf.ts';

const LEAF = {
  _sd: ['a', 'b'],
  attr: { count: 1 },
  cnt: 2,
  id: 'ad17tOA3GVe2VrdjjpfYYQ',
  n: 1,
  op: 'detokenize',
  out: 'deny',
  pol: '7:ab12',
  rc: 403,
  rsn: 'forbidden',
  t: 1_770_000_000_001,
  v: 1,
  vlt: 'demo',
  w: ['XS24KCX3RcmL-dZX6gEjZg', 1],
};
const edited = (change: object) => readLeaf(JSON.stringify({ ...LEAF, ...change }));

test('reads back what was written, from bytes and from text', () => {
  const text = leafJson({
    event: {
      operation: 'detokenize',
      outcome: 'deny',
      status: 403,
      reason: 'forbidden',
      vault: 'demo',
      policy: '7:ab12',
      items: 1,
      count: 2,
      attributes: { count: 1 },
      who: {},
      what: {},
    },
    id: LEAF.id,
    atMs: LEAF.t,
    writer: ['XS24KCX3RcmL-dZX6gEjZg', 1],
    digests: ['b', 'a'],
  });
  assert.deepEqual(readLeaf(text), LEAF);
  assert.deepEqual(readLeaf(Buffer.from(text)), LEAF);
});

test('members that may be absent may be; members of a later version are left alone', () => {
  const { attr, cnt, pol, rsn, vlt, w, ...least } = LEAF;
  assert.deepEqual(readLeaf(JSON.stringify(least)), least);
  assert.deepEqual(edited({ later: [1] }), { ...LEAF, later: [1] });
});

const WRONG: [string, object][] = [
  ['version', { v: 2 }],
  ['id', { id: 'short' }],
  ['id', { id: `${LEAF.id}=` }],
  ['time', { t: -1 }],
  ['time', { t: 1.5 }],
  ['time', { t: '1' }],
  ['time', { t: 8.64e15 + 1 }],
  ['operation', { op: undefined }],
  ['outcome', { out: 'maybe' }],
  ['status', { rc: null }],
  ['reason', { rsn: 1 }],
  ['vault', { vlt: {} }],
  ['items', { n: 2 ** 53 }],
  ['count', { cnt: '2' }],
  ['writer', { w: ['boot'] }],
  ['writer', { w: ['boot', -1] }],
  ['writer', { w: ['boot', 1, 2] }],
  ['writer', { w: null }],
  ['digests', { _sd: 'a' }],
  ['digests', { _sd: [1] }],
  ['attributes', { attr: [] }],
  ['attributes', { attr: null }],
];
for (const [what, change] of WRONG) {
  test(`a leaf with a wrong ${what} is not one: ${JSON.stringify(change)}`, () => {
    assert.equal(edited(change), undefined);
  });
}

test('anything else is not a leaf, and never throws', () => {
  for (const text of ['', 'null', '[]', '1', '{}', '{"v":1', 'true']) {
    assert.equal(readLeaf(text), undefined);
  }
  fc.assert(fc.property(fc.uint8Array(), (bytes) => readLeaf(bytes) === undefined));
  fc.assert(fc.property(fc.json(), (text) => readLeaf(text) === undefined));
});
