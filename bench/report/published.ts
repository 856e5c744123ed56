// The result that the docs show, and the files that are made from it.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { drawCharts } from './charts.ts';
import { renderPage } from './performance-page.ts';
import { resultSchema } from './result.ts';

const NAME = 'published';
const FOLDER = join(import.meta.dirname, '../results');

/** Files below the root of the repository, with their whole text. */
export type Rendered = { file: string; text: string };

/** `docs/performance.md` and its charts, from `bench/results/published.json`. */
export function renderPublished(): Rendered[] {
  const path = join(FOLDER, `${NAME}.json`);
  if (!existsSync(path)) return [];
  const result = resultSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  const charts = drawCharts(result);
  return [
    { file: 'docs/performance.md', text: renderPage({ result, charts, name: NAME }) },
    ...charts.map((chart) => ({
      file: `bench/results/${NAME}-${chart.name}.svg`,
      text: chart.svg,
    })),
  ];
}
