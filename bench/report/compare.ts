import { findMeasurement, type Result, summarize } from './result.ts';
import { layOut } from './table.ts';
import { judge } from './targets.ts';

/** What differs between two results: of targets the ratios, of work the throughput. */
export type Change = { name: string; before: number; after: number; percent: number };

/** Changes of everything that both results measured. Throughputs of two machines say nothing, ratios do. */
export function compareResults(before: Result, after: Result): Change[] {
  const earlier = new Map(judge(before).map(({ name, value }) => [name, value]));
  const targets = judge(after).flatMap(({ name, work, value }) =>
    changeOf(`target: ${work}`, earlier.get(name), value),
  );
  const measured = after.measurements.flatMap((measurement) => {
    const { scenario, title, connections } = measurement;
    const match = findMeasurement(before, measurement);
    return changeOf(
      `${scenario}: ${title}, ${connections} connections`,
      match && summarize(match).perSecond,
      summarize(measurement).perSecond,
    );
  });
  return [...targets, ...measured];
}

function changeOf(name: string, before: number | undefined, after: number | undefined): Change[] {
  if (before === undefined || after === undefined || before === 0) return [];
  return [{ name, before, after, percent: (after / before - 1) * 100 }];
}

/** Changes as text. */
export function changeLines(changes: readonly Change[]): string[] {
  return layOut([
    ['', 'before', 'now', 'change'],
    ...changes.map(({ name, before, after, percent }) => [
      name,
      shown(before),
      shown(after),
      `${percent >= 0 ? '+' : ''}${percent.toFixed(1)} %`,
    ]),
  ]);
}

const shown = (value: number): string =>
  value >= 100 ? Math.round(value).toLocaleString('en') : value.toFixed(3);
