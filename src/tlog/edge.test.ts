import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { entriesTo, refusal } from '../../test/helpers/tlog.ts';
import { leafHashOf, makeDefinition } from '../../test/helpers/tlog-definition.ts';
import { type Edge, makeEdge } from './edge.ts';
import { hashLeaves } from './hash.ts';
import { openTileWidths, tilesOf } from './tile.ts';

/** RFC 6962 test leaves (hexadecimal) and the roots of their first 1 to 8. */
const LEAVES = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657'];
const LAST_LEAF = '606162636465666768696a6b6c6d6e6f';
const ROOTS = [
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];

const SIZE = 66_500;
const hashes = hashLeaves(entriesTo(SIZE));
const slice = (from: number, to: number) => hashes.subarray(32 * from, 32 * to);
const definition = makeDefinition(
  Array.from({ length: SIZE }, (_, index) => slice(index, index + 1)),
);

/** Appends up to this size, or throws when the tiles that come out are not the tree's. */
function growTo(edge: Edge, size: number): void {
  const before = fullTiles(edge.size());
  const emitted = edge.append(slice(edge.size(), size));
  const names = emitted.map(({ level, index }) => `${level}/${index}`);
  const expected = [...fullTiles(size)].filter((name) => !before.has(name));
  assert.deepEqual(names.toSorted(), expected.toSorted());
  assert.ok(emitted.every((tile) => tile.hashes.length === 8192));
}

function fullTiles(size: number): Set<string> {
  const full = [...tilesOf(size)].filter(({ width }) => width === 256);
  return new Set(full.map(({ level, index }) => `${level}/${index}`));
}

test('the published roots of RFC 6962 come out, leaf by leaf', () => {
  const entries = [...LEAVES, LAST_LEAF].map((text) => Buffer.from(text, 'hex'));
  const { root } = makeDefinition(entries.map(leafHashOf));
  const edge = makeEdge();
  for (const [index, entry] of entries.entries()) {
    assert.deepEqual(edge.append(hashLeaves([entry])), []);
    assert.equal(edge.root().toString('hex'), ROOTS[index]);
    assert.equal(root(index + 1).toString('hex'), ROOTS[index]);
  }
});

test('every size up to 600, and all around a full tile of each level, has the defined root', () => {
  const edge = makeEdge();
  assert.deepEqual(edge.root(), definition.root(0));
  const around = [255, 256, 257, 511, 512, 513, 65_535, 65_536, 65_537, 65_791, 65_792, 66_500];
  const sizes = [...Array.from({ length: 600 }, (_, index) => index + 1), ...around.slice(6)];
  for (const size of sizes) {
    growTo(edge, size);
    assert.equal(edge.size(), size);
    assert.deepEqual(edge.root(), definition.root(size), String(size));
  }
});

test('however the leaves are cut into batches, and wherever it is resumed, the tree is the same', () => {
  const cuts = fc.array(fc.nat(3000), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(fc.nat(SIZE - 24_000), cuts, (start, batches) => {
      let edge = makeEdge();
      growTo(edge, start);
      for (const batch of batches) {
        edge = makeEdge(edge.state());
        growTo(edge, edge.size() + batch);
      }
      assert.deepEqual(edge.root(), definition.root(edge.size()));
    }),
    { numRuns: 25 },
  );
});

test('tiles that are full hold the defined hashes, and stay as they are', () => {
  const edge = makeEdge();
  const tiles = edge.append(slice(0, 65_536));
  const copies = tiles.map((tile) => Buffer.from(tile.hashes));
  edge.append(slice(65_536, 66_500));
  assert.deepEqual(
    tiles.map((tile) => tile.hashes),
    copies,
  );
  assert.deepEqual(tiles[0]?.hashes, slice(0, 256));
  const top = tiles.find(({ level }) => level === 1);
  assert.deepEqual(top?.hashes.subarray(0, 32), definition.root(256));
  assert.equal(tiles.length, 257);
});

test('the state is a copy, made of the partial tiles of that size', () => {
  const edge = makeEdge();
  edge.append(slice(0, 1000));
  const state = edge.state();
  assert.deepEqual(
    state.openTiles.map((tile) => tile.length / 32),
    openTileWidths(1000),
  );
  for (const tile of state.openTiles) {
    tile.fill(0);
  }
  assert.deepEqual(edge.root(), definition.root(1000));
});

test('a state that no tree can have is refused', () => {
  const tile = (width: number) => Buffer.alloc(32 * width);
  assert.throws(() => makeEdge({ size: 1, openTiles: [] }), refusal('edge_invalid'));
  assert.throws(() => makeEdge({ size: 1, openTiles: [tile(2)] }), refusal('edge_invalid'));
  assert.throws(() => makeEdge({ size: 256, openTiles: [tile(0)] }), refusal('edge_invalid'));
  assert.throws(
    () => makeEdge({ size: 0, openTiles: [tile(0), tile(1)] }),
    refusal('edge_invalid'),
  );
  assert.throws(() => makeEdge({ size: -1, openTiles: [] }), refusal('number_invalid'));
  assert.throws(() => makeEdge({ size: 2 ** 53, openTiles: [] }), refusal('number_invalid'));
});

test('an append that cannot be whole changes nothing', () => {
  const edge = makeEdge();
  edge.append(slice(0, 3));
  assert.throws(() => edge.append(Buffer.alloc(33)), refusal('hash_invalid'));
  assert.equal(edge.size(), 3);
  assert.deepEqual(edge.root(), definition.root(3));
});

test('a tree may have 2^53 - 1 leaves, and not one more', () => {
  const size = Number.MAX_SAFE_INTEGER - 1;
  const widths = openTileWidths(size);
  assert.deepEqual(widths, [254, 255, 255, 255, 255, 255, 31]);
  const edge = makeEdge({ size, openTiles: widths.map((width) => Buffer.alloc(32 * width)) });
  assert.deepEqual(edge.append(slice(0, 1)), []);
  assert.throws(() => edge.append(slice(0, 1)), refusal('number_invalid'));
  assert.equal(edge.size(), Number.MAX_SAFE_INTEGER);
});
