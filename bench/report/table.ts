// What a run prints at its end.
import { type Measurement, type Result, summarize } from './result.ts';
import type { Verdict } from './targets.ts';

/** A number with so many significant digits as one reads at a glance. */
export function figure(value: number): string {
  if (value >= 100) return Math.round(value).toLocaleString('en');
  return value.toFixed(value >= 10 ? 1 : value >= 1 ? 2 : 3);
}

/** All measurements, a line each. */
export function measurementLines({ measurements }: Result): string[] {
  const rows = measurements.map((measurement) => rowOf(measurement));
  return layOut([
    [
      'scenario',
      'work',
      'conns',
      'per second',
      'p50 ms',
      'p99 ms',
      'p99.9 ms',
      'RSS MiB',
      'failed',
    ],
    ...rows,
  ]);
}

function rowOf(measurement: Measurement): string[] {
  const { perSecond, latencyMs, rssMib, failed } = summarize(measurement);
  return [
    measurement.scenario,
    measurement.title,
    String(measurement.connections),
    figure(perSecond),
    figure(latencyMs.p50),
    figure(latencyMs.p99),
    figure(latencyMs.p999),
    rssMib === undefined ? '' : figure(rssMib.peak),
    String(failed),
  ];
}

/** Every target with what was reached. */
export function verdictLines(verdicts: readonly Verdict[]): string[] {
  return layOut([
    ['', 'target', 'reached', 'required', ''],
    ...verdicts.map(({ work, value, bound, required, unit, isMet }) => [
      isMet === undefined ? '–' : isMet ? 'ok' : 'SHORT',
      work,
      value === undefined ? 'not measured' : figure(value),
      `${bound === 'least' ? '≥' : '≤'} ${required}`,
      unit,
    ]),
  ]);
}

/** Columns under each other: the first column of words and all others ragged right. */
export function layOut(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, cell.length);
    });
  }
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
