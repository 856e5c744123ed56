import assert from 'node:assert/strict';
import { test } from 'node:test';
import { drawCharts } from './charts.ts';
import { renderPage } from './performance-page.ts';
import { resultSchema } from './result.ts';
import { measured, resultOf, roundAt } from './result-of-tests.ts';
import { layOut, measurementLines, verdictLines } from './table.ts';
import { judge } from './targets.ts';

const cpuMicros = { 'service: main thread': 85.5, 'Postgres: counterfoil': 0.4 };
const result = resultOf(
  [
    measured('single', 'floor', [1_000]),
    measured('single', 'warm', [], { rounds: [roundAt(360, { cpuMicros })] }),
    measured('connections', 'warm', [100], { connections: 1 }),
    measured('instances', '2', [], { rounds: [roundAt(500, { cpuMicros })] }),
  ],
  { notes: ['something to know'] },
);
const parts = [
  { name: 'published', result },
  { name: 'published-more', result: { ...result, commit: 'fedcba987654' } },
];
const page = renderPage({ result, charts: drawCharts(result), name: 'published', parts });

test('the page tells ratios, CPU and notes of the result, and links the charts that there are', () => {
  assert.match(page, /\| detokenize, 64 connections, warm \| 0\.360 \| ≥ 0\.35 × floor \| yes \|/);
  assert.match(page, /\| warm work \| 64 \| 360 \| 0\.360 \|/);
  assert.match(page, /\| warm work \| 85\.5 \|/);
  assert.match(page, /published-throughput\.svg/);
  assert.match(page, /- something to know/);
  assert.match(
    page,
    /`fedcba987654`, Postgres with its own settings; all figures in \[`published-more\.json`\]/,
  );
  assert.match(page, /\*\*Projected, not measured:\*\*/);
});

test('what was not measured has no section and no chart', () => {
  assert.doesNotMatch(page, /## Sustained|memory\.svg|## Streams/);
  assert.match(page, /\| tokenize new values, 64 connections \| not measured \|/);
  assert.doesNotMatch(page, /NaN|undefined|Infinity/);
});

test('a quick run says that it is one', () => {
  const quick = { ...result, settings: { ...result.settings, isQuick: true } };
  assert.match(
    renderPage({ result: quick, charts: [], name: 'x', parts: [] }),
    /Not to be believed/,
  );
});

test('a result that was written is read as it was', () => {
  assert.deepEqual(resultSchema.parse(JSON.parse(JSON.stringify(result))), result);
});

test('every target has its line, with what is required beside what was reached', () => {
  const lines = verdictLines(judge(result));
  assert.equal(lines.length, judge(result).length + 1);
  assert.match(
    lines.join('\n'),
    /^ok +detokenize, 64 connections, warm +0\.360 +≥ 0\.35 +× floor$/m,
  );
  assert.match(lines.join('\n'), /^– +tokenize new values.*not measured/m);
  assert.equal(measurementLines(result).length, 5);
});

test('columns stand under each other', () => {
  assert.deepEqual(
    layOut([
      ['a', 'b'],
      ['long', 'c'],
    ]),
    ['a     b', 'long  c'],
  );
});
