import { drawUntil } from './draw-until.ts';
import type { TokenFormat } from './format.ts';
import { FREE, makeSlots } from './slots.ts';

const DIGITS = '0123456789';
const TOKEN = /^9[0-9]{2}-(?:0[1-9]|[1-4][0-9])-(?!0000)[0-9]{4}$/;
const FRAME = `9${FREE}${FREE}-${FREE}${FREE}-${FREE.repeat(4)}`;
const SLOTS = makeSlots({
  length: FRAME.length,
  slots: Array.from(FRAME).flatMap((character, at) =>
    character === FREE ? [{ at, alphabet: at === 4 ? '01234' : DIGITS }] : [],
  ),
});
/** Areas × groups × serials. */
const CAPACITY = 100n * 49n * 9_999n;

/**
 * Format `us-ssn`: area 900–999, which no social security number has (SSA), with group 01–49, which no
 * taxpayer number (ITIN: 50–65, 70–88, 90–92, 94–99; ATIN: 93) has.
 */
export function makeUsSsnFormat(): Omit<TokenFormat, 'shape'> {
  const matches = (text: string): boolean => TOKEN.test(text);
  return {
    kind: 'us-ssn',
    isSmall: true,
    capacity: CAPACITY,
    matches,
    spaceOf: () => ({
      kept: '',
      capacity: CAPACITY,
      // Group 00 and serial 0000 are what the slots have too much: one draw of fifty.
      draw: (random, shard) => drawUntil(matches, () => SLOTS.draw(FRAME, random, shard)),
    }),
  };
}
