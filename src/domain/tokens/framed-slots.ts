import { drawFractions, pickWeighted } from './chance.ts';
import type { Random } from './format.ts';
import type { SlotSpace } from './slots.ts';

/** A frame and the slots in it. */
export type FramedSlots = { frame: string; slots: SlotSpace };

/** Draws a text of one of several frames that share none; each text of them all is equally likely. */
export function drawFramed(
  parts: readonly FramedSlots[],
  random: Random,
  shard?: number,
): string | undefined {
  const weights = parts.map(({ frame, slots }) =>
    shard === undefined ? Number(slots.capacity) : slots.count(frame, shard),
  );
  const picked = pickWeighted(weights, drawFractions(random, 1)[0] ?? 0);
  const part = picked === undefined ? undefined : parts[picked];
  return part?.slots.draw(part.frame, random, shard);
}
