// The result that the docs show, and the files that are made from it.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { drawCharts } from './charts.ts';
import { joinResults } from './gather.ts';
import { renderPage } from './performance-page.ts';
import { type Result, resultSchema } from './result.ts';

const NAME = 'published';
const FOLDER = join(import.meta.dirname, '../results');

/** Files below the root of the repository, with their whole text. */
export type Rendered = { file: string; text: string };

/**
 * `docs/performance.md` and its charts, from `bench/results/published.json`, and from `published-*.json` with
 * scenarios that were measured at another commit.
 */
export function renderPublished(): Rendered[] {
  const names = readdirSync(FOLDER)
    .filter((file) => new RegExp(`^${NAME}(-\\w+)?\\.json$`).test(file))
    .map((file) => file.slice(0, -'.json'.length))
    .sort();
  const parts = names.map((name) => ({ name, result: readResult(join(FOLDER, `${name}.json`)) }));
  const [first, ...others] = parts.map(({ result }) => result);
  if (first === undefined) return [];
  const result = joinResults([first, ...others]);
  const charts = drawCharts(result);
  return [
    { file: 'docs/performance.md', text: renderPage({ result, charts, name: NAME, parts }) },
    ...charts.map((chart) => ({
      file: `bench/results/${NAME}-${chart.name}.svg`,
      text: chart.svg,
    })),
  ];
}

const readResult = (path: string): Result =>
  resultSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
