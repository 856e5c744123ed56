import { COUNT_CAP } from '../values/pattern-count.ts';
import { countValues, type ValueType } from '../values/types.ts';
import {
  makeCharacterCodec,
  makeCharacterSpaces,
  makeOutline,
  makeSplitter,
} from './characters.ts';
import { fewestCharacters } from './ff1-floor.ts';
import type { FormatKind, TokenFormat } from './format.ts';

/** Replaced characters per value type, of its shortest value; absent where that cannot be said. */
const SHORTEST: Partial<Record<ValueType['kind'], number>> = {
  'us-ssn': 9,
  date: 8,
  uuid: 32,
  // Country code and subscriber number where numbering plans are of the usual size.
  phone: 10,
  iban: 15,
};

/** How many characters a format that replaces them finds in a type's shortest value. */
export function shortestLength(type: ValueType): number | undefined {
  if (type.kind === 'digits') {
    return type.minLength;
  }
  if (type.kind === 'integer') {
    const nearest = type.min !== undefined && type.min > 0n ? type.min : -(type.max ?? 0n);
    return nearest > 0n ? String(nearest).length : 1;
  }
  return SHORTEST[type.kind];
}

/** Formats `digits`, `alphanumeric` and `custom`: character by character, all else stays. */
export function makeCharacterFormat(spec: {
  kind: FormatKind;
  alphabet: string;
  keepFirst: number;
  keepLast: number;
  type: ValueType;
  isFf1: boolean;
}): Omit<TokenFormat, 'shape'> {
  const { kind, alphabet, keepFirst, keepLast, type, isFf1 } = spec;
  const minFree = isFf1 ? fewestCharacters(alphabet.length) : 1;
  const split = makeSplitter({ alphabet, keepFirst, keepLast, minFree });
  const canBe = makeOutline(type, alphabet);
  const capacity = smallestSpace(spec, minFree);
  return {
    kind,
    isSmall: capacity < 2n ** 64n,
    capacity,
    matches: (text) => typeof split(text) !== 'string' && canBe(text),
    spaceOf: makeCharacterSpaces({ alphabet, split }),
    ...(isFf1 && { ff1: makeCharacterCodec({ alphabet, split, canBe }) }),
  };
}

/** Of a pattern only the number of its values is known: each kept character divides it at most so. */
function smallestSpace(
  spec: { alphabet: string; keepFirst: number; keepLast: number; type: ValueType },
  minFree: number,
): bigint {
  const { alphabet, type } = spec;
  const radix = BigInt(alphabet.length);
  const kept = spec.keepFirst + spec.keepLast;
  const length = shortestLength(type);
  const least = radix ** BigInt(minFree);
  if (length !== undefined) {
    return length - kept > minFree ? radix ** BigInt(length - kept) : least;
  }
  const values = countValues(type);
  const known = values <= COUNT_CAP ? BigInt(Math.floor(values)) / radix ** BigInt(kept) : 0n;
  return known > least ? known : least;
}
