import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { renderPublished } from '../../bench/report/published.ts';

const ROOT = join(import.meta.dirname, '..', '..');

test('the page about speed and its charts are what the published result gives, to the letter', () => {
  const rendered = renderPublished();
  assert.equal(rendered[0]?.file, 'docs/performance.md');
  for (const { file, text } of rendered) {
    assert.equal(readFileSync(join(ROOT, file), 'utf8'), text, `${file}: run npm run gen`);
  }
});

test('no chart is left over from another result', () => {
  const files = renderPublished().map(({ file }) => file);
  const page = readFileSync(join(ROOT, 'docs/performance.md'), 'utf8');
  const linked = [...page.matchAll(/\(\.\.\/(bench\/results\/[\w-]+\.svg)\)/g)].map(
    ([, file]) => file,
  );
  assert.deepEqual(linked.sort(), files.filter((file) => file.endsWith('.svg')).sort());
});
