import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refusal } from '../../test/helpers/tlog.ts';
import { openTileWidths, tilesOf, tileWidth } from './tile.ts';

/** Full tiles, and the width of the partial one, for each level. */
function summary(size: number): [number, number | undefined][] {
  const levels = Map.groupBy(tilesOf(size), ({ level }) => level);
  return [...levels.values()].map((tiles) => [
    tiles.filter(({ width }) => width === 256).length,
    tiles.find(({ width }) => width < 256)?.width,
  ]);
}

test('a size has the tiles that tlog-tiles says, and never an empty one', () => {
  assert.deepEqual(summary(0), []);
  assert.deepEqual(summary(1), [[0, 1]]);
  assert.deepEqual(summary(255), [[0, 255]]);
  assert.deepEqual(summary(256), [
    [1, undefined],
    [0, 1],
  ]);
  assert.deepEqual(summary(257), [
    [1, 1],
    [0, 1],
  ]);
  // The example of the specification.
  assert.deepEqual(summary(70_000), [
    [273, 112],
    [1, 17],
    [0, 1],
  ]);
});

test('a partial tile is as wide as the size says, and tiles beyond it have no width', () => {
  assert.equal(tileWidth({ level: 0, index: 273, size: 70_000 }), 112);
  assert.equal(tileWidth({ level: 0, index: 274, size: 70_000 }), 0);
  assert.equal(tileWidth({ level: 1, index: 0, size: 70_000 }), 256);
  assert.equal(tileWidth({ level: 3, index: 0, size: 70_000 }), 0);
  const size = Number.MAX_SAFE_INTEGER;
  assert.equal(tileWidth({ level: 0, index: Math.floor(size / 256), size }), 255);
  assert.equal(tileWidth({ level: 6, index: 0, size }), 31);
});

test('open tiles are the size in base 256', () => {
  assert.deepEqual(openTileWidths(0), []);
  assert.deepEqual(openTileWidths(70_000), [112, 17, 1]);
  assert.deepEqual(openTileWidths(65_536), [0, 0, 1]);
  assert.throws(() => openTileWidths(2 ** 53), refusal('number_invalid'));
  assert.throws(() => [...tilesOf(-1)], refusal('number_invalid'));
});
