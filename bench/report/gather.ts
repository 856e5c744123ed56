// A result grows scenario by scenario: what was measured is kept when a later one fails, and can be gone on with.
import type { Outcome } from '../scenarios/scenario.ts';
import type { Result } from './result.ts';

/** What all figures of one result have in common. */
export type Conditions = Pick<Result, 'commit' | 'machine' | 'versions'> & {
  settings: Omit<Result['settings'], 'scenarios'>;
};

/** A result in which nothing is measured yet. */
export function emptyResult(conditions: Conditions): Result {
  return {
    format: 1,
    takenAt: new Date().toISOString(),
    ...conditions,
    settings: { ...conditions.settings, scenarios: [] },
    notes: [],
    measurements: [],
  };
}

/** The result with what one more scenario measured. */
export function withOutcome(result: Result, scenario: string, outcome: Outcome): Result {
  const { measurements, sustained, recoverySeconds, notes = [] } = outcome;
  const scenarios = [...result.settings.scenarios, scenario];
  return {
    ...result,
    takenAt: new Date().toISOString(),
    settings: { ...result.settings, scenarios },
    notes: [...new Set([...result.notes, ...notes])],
    measurements: [...result.measurements, ...measurements],
    ...(sustained !== undefined && { sustained }),
    ...(recoverySeconds !== undefined && { recoverySeconds }),
  };
}

/**
 * Makes sure that a result can be gone on with: figures of other code, of another machine or of other settings
 * are no neighbours. Throws an error with one line for whoever typed `--resume`.
 */
export function checkContinues(earlier: Result, conditions: Conditions): void {
  const { scenarios: _, ...settings } = earlier.settings;
  const { commit, machine, versions } = earlier;
  const was: Conditions = { commit, machine, versions, settings };
  const differing = (Object.keys(conditions) as (keyof Conditions)[]).filter(
    (key) => JSON.stringify(was[key]) !== JSON.stringify(conditions[key]),
  );
  // Two trees that differ from a commit need not be the same.
  if (!/^[0-9a-f]+$/.test(commit)) throw new Error(`--resume: '${commit}' is no commit`);
  if (differing.length > 0) {
    throw new Error(`--resume: that result has another ${differing.join(', another ')}`);
  }
}

/**
 * Results of different scenarios as one, with the first one's commit, date and settings of Postgres: no ratio is
 * between figures of two scenarios. Throws an error when they are of different machines or settings, or have a scenario in common.
 */
export function joinResults([first, ...others]: readonly [Result, ...Result[]]): Result {
  let joined = first;
  for (const { settings, machine, versions, ...other } of others) {
    const { scenarios, postgres: _, ...how } = settings;
    const { postgres } = joined.settings;
    const settingsOfBoth = { ...how, ...(postgres && { postgres }) };
    checkContinues(joined, { commit: joined.commit, machine, versions, settings: settingsOfBoth });
    const twice = scenarios.find((name) => joined.settings.scenarios.includes(name));
    if (twice !== undefined) throw new Error(`'${twice}' was measured twice`);
    joined = {
      ...other,
      ...joined,
      settings: { ...joined.settings, scenarios: [...joined.settings.scenarios, ...scenarios] },
      notes: [...new Set([...joined.notes, ...other.notes])],
      measurements: [...joined.measurements, ...other.measurements],
    };
  }
  return joined;
}
