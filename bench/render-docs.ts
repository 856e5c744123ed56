// `node bench/render-docs.ts`: writes docs/performance.md and its charts from bench/results/published.json.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { renderPublished } from './report/published.ts';

for (const { file, text } of renderPublished()) {
  writeFileSync(join(import.meta.dirname, '..', file), text);
  process.stdout.write(`${file}\n`);
}
