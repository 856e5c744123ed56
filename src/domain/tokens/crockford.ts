import { VaultError } from '../errors.ts';
import type { Random } from './format.ts';
import { CRC_START, crcEnd, crcStep, crcText, shardEffects } from './shard.ts';

/** Crockford base32 in lower case: no i, l, o, u. Five bits a character. */
export const CROCKFORD = '0123456789abcdefghjkmnpqrstvwxyz';
/** That many of them are 130 bits. */
export const CROCKFORD_LENGTH = 26;

const CODES = Uint8Array.from(CROCKFORD, (character) => character.charCodeAt(0));
/** All texts of two characters, by their ten bits. */
const PAIRS = Array.from(CROCKFORD, (first) =>
  Array.from(CROCKFORD, (second) => first + second),
).flat();

/** The characters in front of the pair that is chosen for the shard. */
const HEAD_LENGTH = CROCKFORD_LENGTH - 2;
/** One byte for each character of the head, and one that picks the pair. */
const BYTES_PER_TRY = HEAD_LENGTH + 1;
/** Every second to eighth try succeeds, by what follows: one request for random bytes mostly serves a token. */
const TRIES_PER_BLOCK = 8;
/** So many blocks fail together once in 10^29 tokens, or less often. */
const MAX_BLOCKS = 64;

/**
 * Draws 26 characters, 130 random bits, to stand between `before` and `after` (ASCII both). With `shard`
 * such that the whole text lies there: each text of the shard is equally likely, and whoever knows the
 * shard is left with 122 bits. `random` gives as many random bytes as asked for.
 * @returns the whole text
 * @throws VaultError `internal` when the source of randomness cannot be random
 */
export function drawCrockford(spec: {
  before: string;
  after: string;
  shard: number | undefined;
  random: Random;
}): string {
  const { before, after, shard, random } = spec;
  if (shard === undefined) {
    return before + characters(random(CROCKFORD_LENGTH), 0, CROCKFORD_LENGTH) + after;
  }
  const pairs = pairsBefore(after.length);
  const start = crcText(CRC_START, before);
  for (let block = 0; block < MAX_BLOCKS; block += 1) {
    const bytes = random(TRIES_PER_BLOCK * BYTES_PER_TRY);
    for (let at = 0; at < bytes.length; at += BYTES_PER_TRY) {
      const need = shard ^ shardWithoutPair({ start, bytes, at, after });
      const pair = pairs.pick(need, bytes[at + HEAD_LENGTH] ?? 0);
      if (pair !== undefined) return before + characters(bytes, at, HEAD_LENGTH) + pair + after;
    }
  }
  throw new VaultError('internal', { detail: 'no random text leads to the shard' });
}

/** Five low bits of each byte: 256 is a multiple of 32, so every character is equally likely. */
function characters(bytes: Uint8Array, from: number, length: number): string {
  let text = '';
  for (let at = from; at < from + length; at += 2) {
    text += PAIRS[(((bytes[at] ?? 0) & 31) << 5) | ((bytes[at + 1] ?? 0) & 31)] ?? '';
  }
  return text;
}

/** The shard of a text whose pair is two zero bytes: the pair's own effect comes on top (`shardEffects`). */
function shardWithoutPair(text: {
  start: number;
  bytes: Uint8Array;
  at: number;
  after: string;
}): number {
  const { bytes, at, after } = text;
  let state = text.start;
  for (let index = at; index < at + HEAD_LENGTH; index += 1) {
    state = crcStep(state, CODES[(bytes[index] ?? 0) & 31] ?? 0);
  }
  return crcEnd(crcText(crcStep(crcStep(state, 0), 0), after)) % 256;
}

/**
 * Pairs by what they do to the shard: four each on average, but not all as many (0 to 17). `pick` chooses
 * among as many places as the fullest has, up to a power of two, and an empty place is a miss. So the pairs
 * of a poor head are no likelier than those of a rich one: who misses draws the head anew.
 */
type Pairs = { pick: (need: number, byte: number) => string | undefined };

/** By how many bytes follow the pair: fewer than 256, some 20 KB each. */
const known: Pairs[] = [];

function pairsBefore(distance: number): Pairs {
  const pairs = known[distance] ?? makePairs(distance);
  known[distance] = pairs;
  return pairs;
}

function makePairs(distance: number): Pairs {
  const [firsts, seconds] = [shardEffects(distance + 1), shardEffects(distance)];
  const byEffect = Array.from({ length: 256 }, (): string[] => []);
  for (const pair of PAIRS) {
    const [first, second] = [pair.charCodeAt(0), pair.charCodeAt(1)];
    byEffect[((firsts[first] ?? 0) ^ (seconds[second] ?? 0)) & 0xff]?.push(pair);
  }
  const fullest = Math.max(...byEffect.map((pairs) => pairs.length));
  const mask = 2 ** Math.ceil(Math.log2(fullest)) - 1;
  return { pick: (need, byte) => byEffect[need]?.[byte & mask] };
}
