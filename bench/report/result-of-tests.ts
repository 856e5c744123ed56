import type { Measurement, Result, Round } from './result.ts';

/** A round of that speed; all else is the same in every round. */
export function roundAt(perSecond: number, more: Partial<Round> = {}): Round {
  return { perSecond, latencyMs: { p50: 1, p99: 2, p999: 3 }, failed: 0, ...more };
}

/** A measurement of single calls with rounds of these speeds. */
export function measured(
  scenario: string,
  name: string,
  speeds: readonly number[],
  more: Partial<Measurement> = {},
): Measurement {
  const rounds = speeds.map((speed) => roundAt(speed));
  const facts = { title: `${name} work`, connections: 64, itemsPerRequest: 1 };
  return { scenario, name, ...facts, rounds, ...more };
}

/** A result of these measurements, for tests. */
export function resultOf(measurements: readonly Measurement[], more: Partial<Result> = {}): Result {
  return {
    format: 1,
    takenAt: '2026-06-01T12:00:00.000Z',
    commit: '0123456789ab',
    machine: { cpu: 'Some CPU', cores: 2, memoryGib: 8, system: 'Linux 6.0' },
    versions: { node: '26.0.0', postgres: '18.0' },
    settings: {
      isQuick: false,
      rounds: 5,
      secondsPerRound: 6,
      generator: 'wrk',
      scenarios: ['single'],
    },
    notes: [],
    measurements: [...measurements],
    ...more,
  };
}
