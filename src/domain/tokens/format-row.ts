import type { Problem } from '../errors.ts';
import type { TokenDocument } from '../policy/document.ts';
import type { TokenMode } from '../policy/policy.ts';
import type { ValueType } from '../values/types.ts';
import { drawUntil } from './draw-until.ts';
import type { TokenFormat, TokenSpace } from './format.ts';

/** Members of `token` that belong to some formats only. */
export const FORMAT_OPTIONS = [
  'prefix',
  'keepFirst',
  'keepLast',
  'luhn',
  'alphabet',
  'domain',
  'min',
  'max',
] as const;

export type FormatOption = (typeof FORMAT_OPTIONS)[number];

/** What a field's policy says of its tokens. */
export type FormatInput = { token: TokenDocument; type: ValueType; mode: TokenMode };

/** What is wrong with it; `path` is below the member `token`, empty for that itself. */
export type MadeFormat = { format: TokenFormat } | { problems: Problem[] };

/** What users must know of a format, for the docs: sentences in Markdown. */
export type FormatAbout = {
  /** A token. */
  example: string;
  keeps: string;
  capacity: string;
  neverCollides: string;
  weaknesses: string;
};

/** One row of the table of formats. */
export type FormatRow = {
  modes: readonly TokenMode[];
  types: readonly ValueType['kind'][];
  options: readonly FormatOption[];
  make: (input: FormatInput) => MadeFormat;
  about: FormatAbout;
};

/** The options of a format as one text, defaults included: equal for formats with equal tokens. */
function shapeOf(kind: string, options: Record<string, string | number>): string {
  return [kind, ...Object.entries(options).map(([name, value]) => `${name}=${value}`)].join(' ');
}

/** A format without problems. Whatever it is, it draws no value as its own token. */
export function made(
  format: Omit<TokenFormat, 'shape'>,
  options: Record<string, string | number> = {},
): MadeFormat {
  const spaceOf = (value: string): TokenSpace => {
    const space = format.spaceOf(value);
    const isOther = (text: string): boolean => text !== value;
    return {
      ...space,
      draw: (random, shard) => drawUntil(isOther, () => space.draw(random, shard)),
    };
  };
  return { format: { ...format, spaceOf, shape: shapeOf(format.kind, options) } };
}

/** One problem, and no format. */
export function refused(path: string, rule: string, hint: string): MadeFormat {
  return { problems: [{ path, rule, hint }] };
}
