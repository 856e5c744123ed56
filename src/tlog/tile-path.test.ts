import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { refusal } from '../../test/helpers/tlog.ts';
import { formatTilePath, parseTilePath, type TilePath } from './tile-path.ts';

const EXAMPLES: [string, TilePath][] = [
  ['tile/0/000', { level: 0, index: 0, width: 256 }],
  ['tile/0/255', { level: 0, index: 255, width: 256 }],
  ['tile/0/x001/x234/067', { level: 0, index: 1_234_067, width: 256 }],
  ['tile/1/001.p/17', { level: 1, index: 1, width: 17 }],
  ['tile/63/x001/000.p/255', { level: 63, index: 1000, width: 255 }],
  ['tile/entries/x123/456.p/1', { level: 'entries', index: 123_456, width: 1 }],
  ['tile/entries/999', { level: 'entries', index: 999, width: 256 }],
];

test('paths are those of tlog-tiles, both ways', () => {
  for (const [path, tile] of EXAMPLES) {
    assert.equal(formatTilePath(tile), path);
    assert.deepEqual(parseTilePath(path), tile);
  }
});

test('every tile has a path that reads back', () => {
  const level = fc.oneof(fc.nat(63), fc.constant('entries' as const));
  const index = fc.oneof(fc.nat(2_000_000), fc.maxSafeNat());
  const tile = fc.tuple(level, index, fc.integer({ min: 1, max: 256 }));
  fc.assert(
    fc.property(tile, ([levelOf, indexOf, width]) => {
      const one = { level: levelOf, index: indexOf, width };
      assert.deepEqual(parseTilePath(formatTilePath(one)), one);
    }),
  );
});

test('a path that could be written otherwise, or that leads elsewhere, is refused', () => {
  const refused = [
    ...['', 'tile', 'tile/', 'tile/0', 'tile/0/', '/tile/0/000', 'tile/0/000/', 'tile/0/000\n'],
    ...[
      'tile/00/000',
      'tile/01/000',
      'tile/64/000',
      'tile/-1/000',
      'tile/data/000',
      'tile/8/0/000',
    ],
    ...['tile/0/0', 'tile/0/00', 'tile/0/0000', 'tile/0/x000/001', 'tile/0/001/002', 'tile/0/x001'],
    ...['tile/0/000.p', 'tile/0/000.p/', 'tile/0/000.p/0', 'tile/0/000.p/01', 'tile/0/000.p/256'],
    ...['tile/0/000.p/999', 'tile/0/000.p/-1', 'tile/0/000.P/1', 'tile/0/../000', 'tile/0/００0'],
    ...['tile/Entries/000', 'tile//000', 'tile/0/000?x', 'tile/0/x009/x007/x199/x254/x740/992'],
    `tile/0/${'x999/'.repeat(1000)}999`,
  ];
  for (const path of refused) {
    assert.throws(() => parseTilePath(path), refusal('tile_path_invalid'), path.slice(0, 60));
  }
});

test('what is no tile has no path', () => {
  const tile = { level: 0, index: 0, width: 256 };
  for (const wrong of [{ level: 64 }, { level: -1 }, { index: -1 }, { index: 2 ** 53 }]) {
    assert.throws(() => formatTilePath({ ...tile, ...wrong }), refusal('number_invalid'));
  }
  for (const width of [0, 257, 1.5, Number.NaN]) {
    assert.throws(() => formatTilePath({ ...tile, width }), refusal('number_invalid'));
  }
});
