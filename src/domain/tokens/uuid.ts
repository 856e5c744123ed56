import type { TokenFormat } from './format.ts';
import { FREE, makeSlots } from './slots.ts';

const TOKEN = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const HEX = '0123456789abcdef';
const x = (count: number): string => FREE.repeat(count);
const FRAME = `${x(8)}-${x(4)}-8${x(3)}-${x(4)}-${x(12)}`;
/** Two of its bits are the variant. */
const VARIANT_AT = 19;
const SLOTS = makeSlots({
  length: FRAME.length,
  slots: Array.from(FRAME).flatMap((character, at) =>
    character === FREE ? [{ at, alphabet: at === VARIANT_AT ? '89ab' : HEX }] : [],
  ),
});

/** Format `uuid`: version 8, "custom" (RFC 9562 §5.8), 122 random bits. */
export function makeUuidFormat(): Omit<TokenFormat, 'shape'> {
  return {
    kind: 'uuid',
    isSmall: false,
    capacity: SLOTS.capacity,
    matches: (text) => TOKEN.test(text),
    spaceOf: () => ({
      kept: '',
      capacity: SLOTS.capacity,
      draw: (random, shard) => SLOTS.draw(FRAME, random, shard),
    }),
  };
}
