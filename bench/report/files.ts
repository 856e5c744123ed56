import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { drawCharts } from './charts.ts';
import type { Result } from './result.ts';

/** A result as the text of its file. */
export const resultText = (result: Result): string => `${JSON.stringify(result, undefined, 1)}\n`;

/** Writes `NAME.json` and the charts `NAME-*.svg` into a folder, which is made when it is missing. */
export async function saveResult(folder: string, name: string, result: Result): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, `${name}.json`), resultText(result));
  for (const { name: chart, svg } of drawCharts(result)) {
    await writeFile(join(folder, `${name}-${chart}.svg`), svg);
  }
}
