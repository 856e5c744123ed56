import assert from 'node:assert/strict';
import { test } from 'node:test';
import { drawBars, drawLines } from './svg.ts';

const LINES = {
  title: 'A & B < C',
  xLabel: 'connections',
  yLabel: 'per second',
  xScale: 'log',
  lines: [
    {
      name: 'one',
      points: [
        { x: 1, y: 0 },
        { x: 16, y: 500 },
        { x: 256, y: 1_000 },
      ],
    },
  ],
} as const;

test('lines go from the lowest to the highest point, and factors are even steps', () => {
  const points = /points="([^"]+)"/.exec(drawLines(LINES))?.[1]?.split(' ');
  const at = points?.map((point) => point.split(',').map(Number)) ?? [];
  assert.deepEqual(at, [
    [64, 256],
    [384, 150],
    [704, 44],
  ]);
});

test('text cannot become markup, and every element is closed', () => {
  const svg = drawLines(LINES);
  assert.ok(svg.includes('A &amp; B &lt; C'));
  const opened = svg.match(/<[a-z]+/g)?.length;
  const closed = (svg.match(/<\/[a-z]+>/g)?.length ?? 0) + (svg.match(/\/>/g)?.length ?? 0);
  assert.equal(opened, closed);
});

test('nothing that is drawn is out of the picture, whatever the numbers', () => {
  const bars = [
    { name: 'none', value: 0, label: '0', isGood: false },
    { name: 'much', value: 40, label: '40', isGood: true },
  ];
  const svg = drawBars({ title: 'bars', bars, mark: 1, markLabel: 'target' });
  const ends = [...svg.matchAll(/<rect x="(\d+)"[^>]* width="([\d.]+)"/g)];
  assert.deepEqual(
    ends.map(([, x, width]) => [Number(x), Number(width)]),
    [
      [330, 0],
      [330, 300],
    ],
  );
  assert.equal(drawLines({ ...LINES, lines: [] }).includes('NaN'), false);
});
