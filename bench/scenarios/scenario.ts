import type { Lab } from '../lab/lab.ts';
import type { Generator } from '../load/generator.ts';
import type { Measurement, Round, Sustained } from '../report/result.ts';

/** How much is measured. */
export type Settings = {
  isQuick: boolean;
  rounds: number;
  secondsPerRound: number;
  /** Of load that is not measured, before the first round of each kind of work. */
  warmUpSeconds: number;
  sustainedMinutes: number;
  /** Tokens stored, in growing order. */
  storedTokens: readonly number[];
};

export type Context = {
  lab: Lab;
  generator: Generator;
  settings: Settings;
  /** One line for whoever waits. */
  report: (line: string) => void;
  /** Aborted when whoever waits gives up. */
  stop: AbortSignal;
};

/**
 * What a scenario measured. `notes`: what a reader of the figures has to know; `recoverySeconds`: from the end of
 * a spike to calm.
 */
export type Outcome = {
  measurements: Measurement[];
  sustained?: Sustained;
  recoverySeconds?: number;
  notes?: string[];
};

/** A part of the run, with whatever it starts and stops. */
export type Scenario = {
  name: string;
  title: string;
  run: (context: Context) => Promise<Outcome>;
};

/** One kind of work, which can be done for so many seconds any number of times. */
export type Case = Omit<Measurement, 'rounds' | 'scenario'> & {
  run: (seconds: number) => Promise<Round>;
};

/**
 * Measures kinds of work in turns (A B A B): what else happens on the machine then hits all of them alike. Each
 * is warmed up first.
 */
export async function interleave(
  context: Context,
  scenario: string,
  cases: readonly Case[],
): Promise<Measurement[]> {
  const { settings, report, stop } = context;
  for (const { run } of cases) {
    stop.throwIfAborted();
    await run(settings.warmUpSeconds);
  }
  const rounds = new Map<Case, Round[]>(cases.map((work) => [work, []]));
  for (let round = 0; round < settings.rounds; round += 1) {
    for (const work of cases) {
      stop.throwIfAborted();
      const measured = await work.run(settings.secondsPerRound);
      rounds.get(work)?.push(measured);
      const rate = Math.round(measured.perSecond).toLocaleString('en');
      const failures = measured.failed === 0 ? '' : `, ${measured.failed} FAILED`;
      report(
        `${scenario} ${round + 1}/${settings.rounds}: ${work.title}, ${work.connections} connections: ${rate}/s${failures}`,
      );
    }
  }
  return cases.map((work) => {
    const { run: _, ...facts } = work;
    return { scenario, ...facts, rounds: rounds.get(work) ?? [] };
  });
}
