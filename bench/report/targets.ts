// What the product has to reach, as ratios within one run: they hold on any machine.
import { slopeOf } from '../measure/stats.ts';
import { findMeasurement, type Result, type Round, summarize, type Wanted } from './result.ts';

/** `least`: at least so much. `most`: at most. */
export type Target = {
  name: string;
  work: string;
  bound: 'least' | 'most';
  required: number;
  unit: string;
  /** `undefined` when the run has not measured it. */
  reached: (result: Result) => number | undefined;
  /** About the sustained load: a shorter one than this proves nothing. */
  minutes?: number;
  /** About stored tokens: with fewer than these it can be missed, and not met. */
  tokens?: number;
};

const SUSTAINED_MINUTES = 10;
const STORED_TOKENS = 10_000_000;
const OVERLOAD = { scenario: 'overload', name: 'tripled' };
const OVERLOAD_PEAK = { scenario: 'overload', name: 'peak' };
const FLOOR = { scenario: 'single', name: 'floor', connections: 64 };

export const TARGETS: readonly Target[] = [
  {
    name: 'sustained',
    minutes: SUSTAINED_MINUTES,
    work: 'detokenize, 64 connections, warm, sustained for 10 minutes',
    bound: 'least',
    required: 0.35,
    unit: '× floor',
    reached: ({ sustained }) => sustained && shareOf(sustained.perSecond, sustained.floorPerSecond),
  },
  {
    name: 'backlog',
    minutes: SUSTAINED_MINUTES,
    work: 'backlog of the sequencer meanwhile, at most',
    bound: 'most',
    required: 5,
    unit: 's',
    reached: ({ sustained }) =>
      largest(sustained?.samples.flatMap(({ backlogSeconds }) => backlogSeconds ?? [])),
  },
  single('warm', 0.35, 'detokenize, 64 connections, warm'),
  single('cold', 0.28, 'detokenize, 64 connections, in-process cache off'),
  single('new', 0.22, 'tokenize new values, 64 connections'),
  single('known', 0.33, 'tokenize known values, 64 connections'),
  {
    name: 'batch-tokenize',
    work: 'tokenize batches of 1,000',
    bound: 'least',
    required: 0.5,
    unit: '× raw Postgres rows/s',
    reached: ratio(
      { scenario: 'batches', name: 'tokenize-1000' },
      { scenario: 'batches', name: 'raw-unnest-1000' },
    ),
  },
  {
    name: 'batch-detokenize',
    work: 'detokenize batches of 1,000',
    bound: 'least',
    required: 0.3,
    unit: '× raw Postgres rows/s',
    reached: ratio(
      { scenario: 'batches', name: 'detokenize-1000' },
      { scenario: 'batches', name: 'raw-any-1000' },
    ),
  },
  {
    name: 'latency',
    work: 'p99 of a single detokenize at half of its peak rate',
    bound: 'most',
    required: 3,
    unit: '× p99 of a raw single commit',
    reached: ratio(
      { scenario: 'latency', name: 'detokenize' },
      { scenario: 'latency', name: 'raw-commit' },
      (round) => round.latencyMs.p99,
    ),
  },
  {
    name: 'stored',
    tokens: STORED_TOKENS,
    work: 'throughput with the most stored tokens against 100,000 (the lower of tokenize and detokenize)',
    bound: 'least',
    required: 0.8,
    unit: '× with 100,000',
    reached: (result) => smallest(storedRatios(result).map(({ share }) => share)),
  },
  {
    name: 'memory',
    work: 'RSS of the service under 64 connections, at most',
    bound: 'most',
    required: 256,
    unit: 'MiB',
    reached: peakMemory,
  },
  {
    name: 'growth',
    minutes: SUSTAINED_MINUTES,
    work: 'RSS growth over the last 8 of the 10 minutes, of its size',
    bound: 'most',
    required: 0.05,
    unit: '× RSS',
    reached: growthOf,
  },
  {
    name: 'audit',
    work: 'share of throughput that the audit log takes from detokenize, 64 connections',
    bound: 'most',
    required: 0.45,
    unit: 'of the throughput without',
    reached: costOfAudit,
  },
  {
    name: 'goodput',
    work: 'answers a second with three times the peak offered on 4,096 connections',
    bound: 'least',
    required: 0.8,
    unit: '× peak (256 connections, closed loop)',
    reached: ratio(OVERLOAD, OVERLOAD_PEAK),
  },
  {
    name: 'overload-latency',
    work: 'p99 of what is accepted then',
    bound: 'most',
    required: 2,
    unit: '× p99 at that peak',
    reached: overloaded((round) => round.latencyMs.p99),
  },
  {
    name: 'recovery',
    work: 'from the end of a spike of ten times the peak until nobody is refused any more, and p99 for 2 s within twice that before (or 50 ms)',
    bound: 'most',
    required: 10,
    unit: 's',
    reached: ({ recoverySeconds }) => recoverySeconds,
  },
  {
    name: 'redis-trouble',
    work: 'p99 of detokenize while Redis is full, paused or gone (the worst)',
    bound: 'most',
    required: 2,
    unit: '× p99 while it is well',
    reached: (result) =>
      largest(['full', 'paused', 'gone'].flatMap((name) => troubleRatio(name)(result) ?? [])),
  },
];

/** A target with what a run says of it; one that was measured too shortly, or not at all, is neither met nor missed. */
export type Verdict = Target & { value: number | undefined; isMet: boolean | undefined };

/** Judges a run by every target. */
export function judge(result: Result): Verdict[] {
  return TARGETS.map((target) => {
    const value = target.reached(result);
    return { ...target, value, isMet: isMetBy(result, target, value) };
  });
}

function isMetBy(result: Result, target: Target, value: number | undefined): boolean | undefined {
  const { bound, required, minutes = 0, tokens = 0 } = target;
  if (value === undefined || minutes > (result.sustained?.minutes ?? 0)) return undefined;
  const isWithin = bound === 'least' ? value >= required : value <= required;
  return isWithin && tokens > mostStored(result) ? undefined : isWithin;
}

function single(name: string, required: number, work: string): Target {
  const reached = ratio({ scenario: 'single', name, connections: 64 }, FLOOR);
  return { name, work, bound: 'least', required, unit: '× floor', reached };
}

function ratio(
  of: Wanted,
  to: Wanted,
  figure: (round: ReturnType<typeof summarize>) => number = (round) => round.perSecond,
) {
  return (result: Result): number | undefined => {
    const [upper, lower] = [findMeasurement(result, of), findMeasurement(result, to)];
    if (upper === undefined || lower === undefined) return undefined;
    return shareOf(figure(summarize(upper)), figure(summarize(lower)));
  };
}

/** Of nothing there is no share: anything would look endlessly good beside it. */
const shareOf = (value: number, whole: number): number | undefined =>
  whole > 0 ? value / whole : undefined;

/** Of an overload of which some was answered: a figure beside that of the peak. */
function overloaded(figure: (round: Round) => number) {
  return (result: Result): number | undefined => {
    const over = findMeasurement(result, OVERLOAD);
    const isAnswered = over !== undefined && summarize(over).perSecond > 0;
    return isAnswered ? ratio(OVERLOAD, OVERLOAD_PEAK, figure)(result) : undefined;
  };
}

const troubleRatio = (name: string) =>
  ratio(
    { scenario: 'redis-trouble', name },
    { scenario: 'redis-trouble', name: 'well' },
    (round) => round.latencyMs.p99,
  );

function costOfAudit(result: Result): number | undefined {
  const unaudited = { scenario: 'single', name: 'unaudited', connections: 64 };
  const found = findMeasurement(result, unaudited);
  // Where it commits, the audit log was not replaced, and would cost nothing.
  if (found === undefined || summarize(found).commits !== undefined) return undefined;
  const share = ratio({ scenario: 'single', name: 'warm', connections: 64 }, unaudited)(result);
  return share === undefined ? undefined : 1 - share;
}

/** Throughput with more stored tokens than the fewest, as a share of that with the fewest. */
export function storedRatios(result: Result): { name: string; share: number }[] {
  const all = result.measurements.filter(({ scenario }) => scenario === 'stored');
  return ['detokenize', 'tokenize'].flatMap((verb) => {
    // In the order of their sizes, as they were measured.
    const sizes = all.filter(({ name }) => name.startsWith(`${verb}-`));
    const [fewest, most] = [sizes[0], sizes.at(-1)];
    if (fewest === undefined || most === undefined || fewest === most) return [];
    const share = summarize(most).perSecond / summarize(fewest).perSecond;
    return [{ name: most.name, share }];
  });
}

function mostStored({ measurements }: Result): number {
  const stored = measurements.filter(({ scenario }) => scenario === 'stored');
  return Math.max(0, ...stored.map(({ name }) => Number(name.split('-')[1])));
}

function peakMemory(result: Result): number | undefined {
  const rounds = ['warm', 'cold', 'new', 'known'].flatMap(
    (name) => findMeasurement(result, { scenario: 'single', name, connections: 64 })?.rounds ?? [],
  );
  const sustained = result.sustained?.samples.flatMap(({ rssMib }) => rssMib ?? []) ?? [];
  return largest([...rounds.flatMap(({ rssMib }) => rssMib?.peak ?? []), ...sustained]);
}

/** By the line through the samples after the first fifth, in which caches and the heap fill. */
function growthOf({ sustained }: Result): number | undefined {
  const points = (sustained?.samples ?? []).flatMap(({ second, rssMib }) =>
    rssMib === undefined ? [] : [{ x: second, y: rssMib }],
  );
  const settled = points.slice(Math.floor(points.length / 5));
  const [first, last] = [settled[0], settled.at(-1)];
  if (first === undefined || last === undefined || first === last) return undefined;
  return (slopeOf(settled) * (last.x - first.x)) / last.y;
}

const largest = (numbers: readonly number[] | undefined): number | undefined =>
  numbers === undefined || numbers.length === 0
    ? undefined
    : numbers.reduce((a, b) => Math.max(a, b));
const smallest = (numbers: readonly number[]): number | undefined =>
  numbers.length === 0 ? undefined : Math.min(...numbers);
