import { typeText } from '../values/types.ts';
import type { Field, TokenMode } from './policy.ts';

/** Modes whose tokens are rows that can be counted. Of any other field tokens may be about for ever. */
const STORED_MODES: ReadonlySet<TokenMode> = new Set(['random', 'deterministic']);

/** True when the store knows whether the field has tokens. */
export function isStored({ token }: Pick<Field, 'token'>): boolean {
  return STORED_MODES.has(token.mode);
}

/** What tokens and values of a field are tied to, by the path of the member that says it. */
const TIES: Readonly<Record<string, (field: Field) => string>> = {
  type: ({ type }) => typeText(type),
  'token.mode': ({ token }) => token.mode,
  'token.format': ({ token }) => token.format.shape,
  'token.scope': ({ scope }) => scope,
};

export type FieldChange = { path: string; from: string; to: string };

/**
 * What differs between two versions of a field so that the tokens of one could not be served by the other:
 * type, mode, format and scope. Everything else (views, caps, retention) may change at any time.
 */
export function changesOf(before: Field, after: Field): FieldChange[] {
  return Object.entries(TIES)
    .map(([path, textOf]) => ({ path, from: textOf(before), to: textOf(after) }))
    .filter(({ from, to }) => from !== to);
}
