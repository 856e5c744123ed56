import { type CharSet, invert, NAMED_SETS, PRINTABLE, sizeOf } from './char-set.ts';

/** Where counting stops: far above every limit that asks for a count. */
export const COUNT_CAP = 1e15;

/**
 * What is known of a part: at least `count` distinct texts of exactly `length` characters match it,
 * and none shorter. Parts of fixed length join by multiplication, since the text splits in one way.
 * `set`, on parts that are one character, holds characters that match for sure.
 */
type Part = { length: number; count: number; set?: CharSet };

type Cursor = { readonly source: string; at: number };

const EMPTY: Part = { length: 0, count: 1 };
/** An assertion inside the pattern may exclude every text: nothing is promised any more. */
const ASSERTION: Part = { length: 0, count: 0 };

/**
 * Lower bound of the number of distinct texts of the shortest length that an RE2 pattern (one that
 * compiles) matches as a whole, at least 1 and at most 1e15. Literals, classes, groups, alternatives
 * and quantifiers are counted; Unicode classes and whatever else is unknown count as one text.
 */
export function countPattern(source: string): number {
  return Math.max(1, parseAlternatives({ source, at: 0 }).count);
}

/** Consumes what the sticky expression matches at the cursor. */
function take(cursor: Cursor, expression: RegExp): RegExpExecArray | undefined {
  expression.lastIndex = cursor.at;
  const match = expression.exec(cursor.source) ?? undefined;
  cursor.at += match?.[0].length ?? 0;
  return match;
}

/** Branches may overlap, so their counts never add up, unless all are single characters. */
function parseAlternatives(cursor: Cursor): Part {
  const branches = [parseSequence(cursor)];
  while (take(cursor, /\|/y)) {
    branches.push(parseSequence(cursor));
  }
  const sets = branches.flatMap((branch) => (branch.set ? [branch.set] : []));
  if (sets.length === branches.length) {
    return oneOf(sets.flat());
  }
  const length = Math.min(...branches.map((branch) => branch.length));
  const shortest = branches.filter((branch) => branch.length === length);
  return { length, count: Math.max(...shortest.map((branch) => branch.count)) };
}

function parseSequence(cursor: Cursor): Part {
  const parts: Part[] = [];
  while (cursor.at < cursor.source.length && !/[|)]/.test(cursor.source.charAt(cursor.at))) {
    const atom = parseAtom(cursor);
    parts.push(repeat(atom, takeMinimum(cursor)));
  }
  const [only, ...others] = parts;
  return only !== undefined && others.length === 0 ? only : parts.reduce(join, EMPTY);
}

function join(left: Part, right: Part): Part {
  const count = Math.min(left.count * right.count, COUNT_CAP);
  return { length: left.length + right.length, count };
}

function repeat(part: Part, times: number): Part {
  return times === 1
    ? part
    : { length: part.length * times, count: Math.min(part.count ** times, COUNT_CAP) };
}

/** How often the atom before the cursor is repeated at least. `x{2,1}` and `x**` do not compile. */
function takeMinimum(cursor: Cursor): number {
  const quantifier = take(cursor, /(?:([*?])|\+|\{([0-9]+)(?:,[0-9]*)?\})\??/y);
  // `x+` and `x` alike: one.
  return quantifier?.[1] !== undefined ? 0 : Number(quantifier?.[2] ?? 1);
}

function parseAtom(cursor: Cursor): Part {
  if (take(cursor, /\(\?[A-Za-z-]+\)/y)) {
    // Flags never make fewer texts match.
    return EMPTY;
  }
  if (take(cursor, /\((?:\?(?:P?<[^>]*>|[A-Za-z-]*:))?/y)) {
    const inside = parseAlternatives(cursor);
    take(cursor, /\)/y);
    return inside;
  }
  const negation = take(cursor, /\[(\^?)/y);
  if (negation) {
    return parseClass(cursor, negation[1] === '^');
  }
  if (take(cursor, /\./y)) {
    return oneOf(PRINTABLE);
  }
  // Anchors at the very ends say what a match of the whole text says anyway.
  if (take(cursor, /\^|\\A/y)) {
    return cursor.at <= 2 && /^(?:\^|\\A)/.test(cursor.source) ? EMPTY : ASSERTION;
  }
  if (take(cursor, /\$|\\z/y)) {
    return cursor.at === cursor.source.length ? EMPTY : ASSERTION;
  }
  return parseCharacter(cursor);
}

function parseCharacter(cursor: Cursor): Part {
  if (take(cursor, /\\[bB]/y)) {
    return ASSERTION;
  }
  if (take(cursor, /\\Q/y)) {
    cursor.at = cursor.source.length;
    return ASSERTION;
  }
  return oneOf(takeSet(cursor));
}

/** A character of which nothing is known still is one. */
function oneOf(set: CharSet): Part {
  return { length: 1, count: Math.max(1, sizeOf(set)), set };
}

/** One element of a class, or one character outside of it; the empty set when it is not known. */
function takeSet(cursor: Cursor): CharSet {
  const named = take(cursor, /\\([dw])|\[:([a-z]+):\]/y);
  if (named) {
    return NAMED_SETS.get(named[1] ?? named[2] ?? '') ?? [];
  }
  if (take(cursor, /\\(?:[DSWs]|[pP](?:\{[^}]*\}|.))|\[:\^[a-z]+:\]/suy)) {
    return [];
  }
  const code = takeCode(cursor);
  return [[code, code]];
}

const CONTROL_ESCAPES: ReadonlyMap<string, number> = new Map([
  ['a', 7],
  ['t', 9],
  ['n', 10],
  ['v', 11],
  ['f', 12],
  ['r', 13],
]);

/** Code point of one literal or escaped character. */
function takeCode(cursor: Cursor): number {
  const hex = take(cursor, /\\x(?:\{([0-9A-Fa-f]+)\}|([0-9A-Fa-f]{2}))/y);
  if (hex) {
    return Number.parseInt(hex[1] ?? hex[2] ?? '', 16);
  }
  const octal = take(cursor, /\\([0-7]{1,3})/y);
  if (octal) {
    return Number.parseInt(octal[1] ?? '', 8);
  }
  const [, backslash, character = ''] = take(cursor, /(\\?)(.)/suy) ?? [];
  const code = character.codePointAt(0) ?? 0;
  return backslash === '' ? code : (CONTROL_ESCAPES.get(character) ?? code);
}

/** The cursor stands behind the opening bracket. A `]` in first place is a member (RE2 syntax). */
function parseClass(cursor: Cursor, isNegated: boolean): Part {
  const set: [number, number][] = [];
  let isKnown = true;
  do {
    const element = takeSet(cursor);
    const [from] = element[0] ?? [];
    isKnown &&= element.length > 0;
    if (from !== undefined && sizeOf(element) === 1 && take(cursor, /-(?!\])/y)) {
      set.push([from, takeCode(cursor)]);
    } else {
      set.push(...element.map(([low, high]): [number, number] => [low, high]));
    }
  } while (cursor.at < cursor.source.length && !take(cursor, /\]/y));
  if (!isNegated) {
    return oneOf(set);
  }
  // What an unknown element leaves over is unknown as well.
  return oneOf(isKnown ? invert(set) : []);
}
