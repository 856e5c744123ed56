import type { Options } from './options.ts';
import type { Settings } from './scenarios/scenario.ts';

const SUSTAINED_MINUTES = 10;
const SUSTAINED_MINUTES_QUICK = 0.2;
const FEWEST_TOKENS = 100_000;

/** How much is measured, by what was asked for. */
export function settingsOf({ isQuick, minutes, tokens }: Options): Settings {
  return {
    isQuick,
    rounds: isQuick ? 1 : 5,
    secondsPerRound: isQuick ? 2 : 6,
    warmUpSeconds: isQuick ? 1 : 4,
    sustainedMinutes: minutes ?? (isQuick ? SUSTAINED_MINUTES_QUICK : SUSTAINED_MINUTES),
    storedTokens: isQuick ? [2_000, 10_000] : sizesUpTo(tokens),
  };
}

/** From 100,000 by tens. */
export function sizesUpTo(most: number): number[] {
  const sizes: number[] = [];
  for (let size = FEWEST_TOKENS; size <= most; size *= 10) sizes.push(size);
  return sizes;
}
