// Which charts a result gives. One whose numbers were not measured is left out.
import { findMeasurement, type Result, summarize } from './result.ts';
import { type Bar, drawBars, drawLines, type Line } from './svg.ts';
import { figure } from './table.ts';
import { judge, type Verdict } from './targets.ts';

/** `name` is the end of the file's name. */
export type Chart = { name: string; title: string; svg: string };

/** Kinds of single calls, as lines of a chart. */
const CALLS = {
  floor: 'empty route',
  warm: 'detokenize, warm',
  cold: 'detokenize, no cache',
  new: 'tokenize, new',
  known: 'tokenize, known',
  lookup: 'lookup',
} as const;
const CONNECTIONS = [1, 16, 64, 256];

/** All charts of a result. */
export function drawCharts(result: Result): Chart[] {
  return [
    ratioChart(result),
    connectionsChart(result, {
      name: 'throughput',
      title: 'Throughput by connections',
      yLabel: 'per second',
      pick: ({ perSecond }) => perSecond,
    }),
    connectionsChart(result, {
      name: 'latency',
      title: '99th percentile by connections',
      yLabel: 'milliseconds',
      pick: ({ latencyMs }) => latencyMs.p99,
    }),
    memoryChart(result),
  ].flatMap((chart) => chart ?? []);
}

/** How far each target is reached: 1 is what is required, and more is better. */
function ratioChart(result: Result): Chart | undefined {
  const bars = judge(result).flatMap((verdict): Bar[] => {
    const { value, work, isMet } = verdict;
    if (value === undefined || isMet === undefined) return [];
    return [
      { name: shorten(work), value: shareOf(verdict, value), label: figure(value), isGood: isMet },
    ];
  });
  const title = 'Targets: what was reached, in units of what is required';
  if (bars.length === 0) return undefined;
  return { name: 'targets', title, svg: drawBars({ title, bars, mark: 1, markLabel: 'required' }) };
}

/** Beyond three times what is required a bar grows no more. */
function shareOf({ bound, required }: Verdict, value: number): number {
  const share = bound === 'least' ? value / required : required / Math.max(value, required / 3);
  return Math.min(3, share);
}

const shorten = (work: string): string => (work.length > 46 ? `${work.slice(0, 45)}…` : work);

function connectionsChart(
  result: Result,
  spec: {
    name: string;
    title: string;
    yLabel: string;
    pick: (round: ReturnType<typeof summarize>) => number;
  },
): Chart | undefined {
  const { name, title, yLabel, pick } = spec;
  const lines = Object.entries(CALLS).flatMap(([call, label]): Line[] => {
    const points = CONNECTIONS.flatMap((connections) => {
      const scenario = connections === 64 ? 'single' : 'connections';
      const found = findMeasurement(result, { scenario, name: call, connections });
      return found === undefined ? [] : [{ x: connections, y: pick(summarize(found)) }];
    });
    return points.length < 2 ? [] : [{ name: label, points }];
  });
  if (lines.length === 0) return undefined;
  const svg = drawLines({ title, xLabel: 'connections', yLabel, xScale: 'log', lines });
  return { name, title, svg };
}

function memoryChart({ sustained }: Result): Chart | undefined {
  const points = (sustained?.samples ?? []).flatMap(({ second, rssMib }) =>
    rssMib === undefined ? [] : [{ x: second / 60, y: rssMib }],
  );
  if (points.length < 2) return undefined;
  const title = 'Resident memory of the service under sustained load';
  const axes = { xLabel: 'minutes', yLabel: 'MiB', xScale: 'linear' } as const;
  return {
    name: 'memory',
    title,
    svg: drawLines({ title, ...axes, lines: [{ name: 'RSS', points }] }),
  };
}
