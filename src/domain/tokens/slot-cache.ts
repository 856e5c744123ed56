import { makeSlots, type SlotSpace } from './slots.ts';

/** Structures kept per field. Texts with separators in ever new places make new ones. */
const MAX_STRUCTURES = 64;

/** Keeps what `makeSlots` prepared, by a name of the structure; the oldest goes first. */
export function makeSlotCache() {
  const spaces = new Map<string, SlotSpace>();
  return (structure: string, describe: () => Parameters<typeof makeSlots>[0]): SlotSpace => {
    const known = spaces.get(structure);
    if (known !== undefined) {
      return known;
    }
    const [oldest] = spaces.keys();
    if (oldest !== undefined && spaces.size >= MAX_STRUCTURES) {
      spaces.delete(oldest);
    }
    const space = makeSlots(describe());
    spaces.set(structure, space);
    return space;
  };
}
