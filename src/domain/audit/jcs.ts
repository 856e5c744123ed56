/** What RFC 8785 can write down. Members that are `undefined` count as absent. */
export type Json =
  | string
  | number
  | boolean
  | undefined
  | readonly Json[]
  | { readonly [key: string]: Json };

/**
 * JSON in its canonical form (RFC 8785): keys sorted by UTF-16 code units, no white space, numbers
 * and strings as ECMAScript writes them. Lone surrogates, which JCS cannot hold, become U+FFFD.
 * Numbers must be finite.
 */
export function canonicalJson(value: Exclude<Json, undefined>): string {
  if (typeof value === 'string') {
    return JSON.stringify(value.toWellFormed());
  }
  if (typeof value !== 'object') {
    return JSON.stringify(value);
  }
  if (isArray(value)) {
    const items = value.map((item) => (item === undefined ? 'null' : canonicalJson(item)));
    return `[${items.join(',')}]`;
  }
  // Sorted after repair, so that the order is that of the keys written; `<` compares code units.
  const members = Object.entries(value)
    .flatMap(([key, member]) =>
      member === undefined ? [] : [[key.toWellFormed(), member] as const],
    )
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`);
  return `{${members.join(',')}}`;
}

/** `Array.isArray` does not narrow readonly arrays. */
function isArray(value: object): value is readonly Json[] {
  return Array.isArray(value);
}
