const UNIT_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** A hundred years. A moment this far from now is still a valid date everywhere. */
const MAX_MS = 36_500 * UNIT_MS.d;

/**
 * Reads a duration of the policy format (`^[1-9]\d*[smhd]$`, as in `90d`) in milliseconds;
 * `undefined` when the text is anything else, or longer than a hundred years.
 */
export function parseDuration(text: string): number | undefined {
  const [, count, unit] = /^([1-9]\d*)([smhd])$/.exec(text) ?? [];
  if (count === undefined || unit === undefined) {
    return undefined;
  }
  const durationMs = Number(count) * UNIT_MS[unit as keyof typeof UNIT_MS];
  return durationMs <= MAX_MS ? durationMs : undefined;
}
