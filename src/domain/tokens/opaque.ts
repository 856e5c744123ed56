import { VaultError } from '../errors.ts';
import type { Random, TokenFormat } from './format.ts';
import { CRC_START, crcEnd, crcStep, crcText } from './shard.ts';

/** Crockford base32 in lower case: no i, l, o, u. Five bits a character. */
export const CROCKFORD = '0123456789abcdefghjkmnpqrstvwxyz';
/** That many of them are 130 bits. */
export const CROCKFORD_LENGTH = 26;

const CODES = Uint8Array.from(CROCKFORD, (character) => character.charCodeAt(0));

/** How many characters at the end are drawn anew until the shard fits: 2^15 choices for 256 shards. */
const TAIL_LENGTH = 3;
/** Draws of the tail per request for random bytes: about as many as one token needs. */
const TAILS_PER_BLOCK = 256;
/** 16,384 draws all miss a shard once in 10^27 tokens. */
const MAX_BLOCKS = 64;

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

/**
 * Draws `<prefix>_<26 characters>` (DESIGN §6): 130 random bits. With `shard` the last three
 * characters are drawn until the token lies there; each token of the shard is equally likely, and 122
 * bits remain unknown to whoever knows the shard. `random` gives as many random bytes as asked for.
 * @throws VaultError `internal` when the source of randomness cannot be random
 */
export function drawOpaque(spec: { prefix: string; shard?: number; random: Random }): string {
  const { prefix, shard, random } = spec;
  if (shard === undefined) {
    return `${prefix}_${characters(random(CROCKFORD_LENGTH))}`;
  }
  const head = `${prefix}_${characters(random(CROCKFORD_LENGTH - TAIL_LENGTH))}`;
  const state = crcText(CRC_START, head);
  for (let block = 0; block < MAX_BLOCKS; block += 1) {
    const tail = findTail({ state, shard, bytes: random(TAILS_PER_BLOCK * TAIL_LENGTH) });
    if (tail !== undefined) {
      return head + characters(tail);
    }
  }
  throw new VaultError('internal', { detail: 'no random tail leads to the shard' });
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

/** Five low bits of each byte: 256 is a multiple of 32, so every character is equally likely. */
function characters(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) {
    text += CROCKFORD.charAt(byte & 31);
  }
  return text;
}

/** The first three bytes in a row whose characters take the CRC to the shard. */
function findTail(search: {
  state: number;
  shard: number;
  bytes: Uint8Array;
}): Uint8Array | undefined {
  const { shard, bytes } = search;
  for (let at = 0; at < bytes.length; at += TAIL_LENGTH) {
    let state = search.state;
    for (let index = at; index < at + TAIL_LENGTH; index += 1) {
      state = crcStep(state, CODES[(bytes[index] ?? 0) & 31] ?? 0);
    }
    if (crcEnd(state) % 256 === shard) {
      return bytes.subarray(at, at + TAIL_LENGTH);
    }
  }
  return undefined;
}
