import assert from 'node:assert/strict';
import { test } from 'node:test';
import { histogramBetween, parseMetrics } from './metrics-text.ts';

const text = (low: number, high: number, sum: number) => `# HELP x Time of {a} thing 7
# TYPE x histogram
x_bucket{le="0.001"} ${low}
x_bucket{le="0.01"} ${high}
x_bucket{le="+Inf"} ${high}
x_sum ${sum}
x_count ${high}
y{kind="a b"} 3
z NaN
`;

test('samples are read with their labels, comments are not', () => {
  const samples = parseMetrics(text(1, 2, 0.5));
  assert.equal(samples.get('y{kind="a b"}'), 3);
  assert.equal(samples.get('x_sum'), 0.5);
  assert.equal(samples.has('z'), false);
  assert.equal(samples.size, 6);
});

test('a histogram between two moments has only what came in between', () => {
  const [before, after] = [parseMetrics(text(100, 100, 1)), parseMetrics(text(160, 200, 3))];
  const counted = histogramBetween(before, after, 'x');
  assert.equal(counted.count, 100);
  assert.equal(counted.sum, 2);
  assert.equal(counted.atShare(0.5), 0.001);
  assert.equal(counted.atShare(0.99), 0.01);
});

test('what is longer than all bounds has none', () => {
  const [before, after] = [
    parseMetrics(''),
    parseMetrics(text(0, 1, 9).replace('="0.01"} 1', '="0.01"} 0')),
  ];
  assert.equal(histogramBetween(before, after, 'x').atShare(0.5), undefined);
});
