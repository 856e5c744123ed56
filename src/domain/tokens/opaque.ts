import { drawCrockford } from './crockford.ts';
import type { Random, TokenFormat } from './format.ts';

const PREFIX = /^[a-z][a-z0-9]{0,15}$/;
const OPAQUE = /^[a-z][a-z0-9]{0,15}_[0-9a-hjkmnp-tv-z]{26}$/;

/** True for what may stand before the `_` of an opaque token. */
export function isTokenPrefix(text: string): boolean {
  return PREFIX.test(text);
}

/**
 * True for exactly what `drawOpaque` can return. Tokens compare byte for byte: no case folding, and
 * none of Crockford's aliases (`o` for 0, `i` and `l` for 1), so that one token has one spelling and
 * nothing else ever reaches the store.
 */
export function isOpaque(text: string): boolean {
  return OPAQUE.test(text);
}

/** Draws `<prefix>_<26 characters>` (DESIGN §6), in the shard if there is one: see `drawCrockford`. */
export function drawOpaque(spec: { prefix: string; shard?: number; random: Random }): string {
  const { prefix, shard, random } = spec;
  return drawCrockford({ before: `${prefix}_`, after: '', shard, random });
}

/** Format `opaque`, the default: says nothing of the value, and is recognised at sight. */
export function makeOpaqueFormat(prefix: string): Omit<TokenFormat, 'shape'> {
  const capacity = 2n ** 130n;
  return {
    kind: 'opaque',
    prefix,
    isSmall: false,
    capacity,
    matches: (text) => text.startsWith(`${prefix}_`) && isOpaque(text),
    spaceOf: () => ({
      kept: '',
      capacity,
      draw: (random, shard) =>
        drawOpaque({ prefix, random, ...(shard !== undefined && { shard }) }),
    }),
  };
}
