// The result of a run, as it is kept: what was measured, round by round. Everything that is told of it (medians,
// ratios, charts, the page in docs) is made from this and from nothing else.
import { z } from 'zod';
import { median } from '../measure/stats.ts';

const latencySchema = z.object({ p50: z.number(), p99: z.number(), p999: z.number() });

/** One stretch of load. `perSecond` counts items (values, tokens, rows), of which a request may have many. */
const roundSchema = z.object({
  perSecond: z.number(),
  latencyMs: latencySchema,
  failed: z.number(),
  /** Requests that were sent, where that is not all of what was answered with success. */
  sentPerSecond: z.number().optional(),
  /** Microseconds of CPU for each request, by process and kind of thread. */
  cpuMicros: z.record(z.string(), z.number()).optional(),
  /** Of the service, all its processes together. */
  rssMib: z.object({ peak: z.number(), end: z.number() }).optional(),
  /** Commits of the audit log: a second, events in each, and how long they took at most (bounds of buckets). */
  commits: z
    .object({
      perSecond: z.number(),
      events: z.number(),
      p50Ms: z.number().optional(),
      p99Ms: z.number().optional(),
    })
    .optional(),
});

const measurementSchema = z.object({
  scenario: z.string(),
  /** What was done, in a word; with the scenario and the connections it names a measurement. */
  name: z.string(),
  title: z.string(),
  connections: z.number(),
  itemsPerRequest: z.number(),
  rounds: z.array(roundSchema),
});

const sustainedSchema = z.object({
  minutes: z.number(),
  perSecond: z.number(),
  floorPerSecond: z.number(),
  latencyMs: latencySchema,
  failed: z.number(),
  /** One for each second: when, resident memory, and the age of the oldest event that is not in the tree. */
  samples: z.array(
    z.object({
      second: z.number(),
      rssMib: z.number().optional(),
      backlogSeconds: z.number().optional(),
    }),
  ),
});

export const resultSchema = z.object({
  format: z.literal(1),
  takenAt: z.string(),
  commit: z.string(),
  machine: z.object({
    cpu: z.string(),
    cores: z.number(),
    memoryGib: z.number(),
    system: z.string(),
  }),
  versions: z.record(z.string(), z.string()),
  settings: z.object({
    isQuick: z.boolean(),
    rounds: z.number(),
    secondsPerRound: z.number(),
    generator: z.string(),
    /** Settings of Postgres other than its own. */
    postgres: z.record(z.string(), z.string()).optional(),
    scenarios: z.array(z.string()),
  }),
  notes: z.array(z.string()),
  measurements: z.array(measurementSchema),
  sustained: sustainedSchema.optional(),
  /** From the end of a spike of load to calm. */
  recoverySeconds: z.number().optional(),
});

export type Round = z.infer<typeof roundSchema>;
export type Measurement = z.infer<typeof measurementSchema>;
export type Sustained = z.infer<typeof sustainedSchema>;
export type Result = z.infer<typeof resultSchema>;

/** Which measurement. */
export type Wanted = { scenario: string; name: string; connections?: number };

/** The measurement of that name; without `connections` the one with the most of them. */
export function findMeasurement(result: Result, wanted: Wanted): Measurement | undefined {
  return result.measurements
    .filter(({ scenario, name }) => scenario === wanted.scenario && name === wanted.name)
    .filter(({ connections }) => connections === (wanted.connections ?? connections))
    .sort((a, b) => b.connections - a.connections)[0];
}

/** The rounds of a measurement in one: medians of each figure, and the failures of all. */
export function summarize({ rounds }: Measurement): Round {
  const middle = (pick: (round: Round) => number | undefined) =>
    median(rounds.flatMap((round) => pick(round) ?? []));
  const [peak, end] = [middle(({ rssMib }) => rssMib?.peak), middle(({ rssMib }) => rssMib?.end)];
  const commits = middleOfCommits(rounds);
  const sentPerSecond = middle((round) => round.sentPerSecond);
  const cpuNames = [...new Set(rounds.flatMap(({ cpuMicros }) => Object.keys(cpuMicros ?? {})))];
  const cpu = cpuNames.map((name) => [name, middle(({ cpuMicros }) => cpuMicros?.[name] ?? 0)]);
  return {
    perSecond: middle(({ perSecond }) => perSecond) ?? 0,
    latencyMs: {
      p50: middle(({ latencyMs }) => latencyMs.p50) ?? 0,
      p99: middle(({ latencyMs }) => latencyMs.p99) ?? 0,
      p999: middle(({ latencyMs }) => latencyMs.p999) ?? 0,
    },
    failed: rounds.reduce((sum, { failed }) => sum + failed, 0),
    ...(cpu.length > 0 && { cpuMicros: Object.fromEntries(cpu) as Record<string, number> }),
    ...(peak !== undefined && end !== undefined && { rssMib: { peak, end } }),
    ...(commits !== undefined && { commits }),
    ...(sentPerSecond !== undefined && { sentPerSecond }),
  };
}

function middleOfCommits(rounds: readonly Round[]): Round['commits'] {
  const all = rounds.flatMap(({ commits }) => commits ?? []);
  const middle = (pick: (commits: NonNullable<Round['commits']>) => number | undefined) =>
    median(all.flatMap((commits) => pick(commits) ?? []));
  if (all.length === 0) return undefined;
  return {
    perSecond: middle(({ perSecond }) => perSecond) ?? 0,
    events: middle(({ events }) => events) ?? 0,
    p50Ms: middle(({ p50Ms }) => p50Ms),
    p99Ms: middle(({ p99Ms }) => p99Ms),
  };
}
