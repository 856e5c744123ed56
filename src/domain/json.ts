import { VaultError } from './errors.ts';

/** Why a body was refused. Stable words; they say nothing of the body. */
type JsonRule =
  | 'json_utf8'
  | 'json_syntax'
  | 'json_depth'
  | 'json_size'
  | 'json_duplicate_key'
  | 'json_lone_surrogate'
  | 'json_forbidden_key'
  | 'json_number';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const COLON = 0x3a;
const COMMA = 0x2c;

/**
 * Members and items in all: a full batch with 90 members of metadata an item. Without it, 4 MiB of
 * tiny members keep the event loop for over a second.
 */
const MAX_ENTRIES = 100_000;

/** `ignoreBOM` keeps a byte order mark in the text, where it is no JSON (RFC 8259 §8.1). */
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Parses JSON that means the same to every reader (RFC 8259 with the restrictions of RFC 7493): UTF-8
 * without BOM, no duplicate keys, no lone surrogates, no numbers that a double cannot hold, at most `maxDepth` levels of
 * arrays and objects (`[]` is one) and 100,000 entries, no key `__proto__`. Linear in the input.
 * @throws VaultError `invalid_request` with one rule; nothing of the input is kept, not even as cause
 */
export function parseStrictJson(bytes: Uint8Array, maxDepth = 32): unknown {
  const text = decode(bytes);
  if (text === undefined) {
    throw refusal('json_utf8');
  }
  const { depth, members, commas } = scan(text, maxDepth);
  if (depth > maxDepth) {
    throw refusal('json_depth');
  }
  if (commas >= MAX_ENTRIES) {
    throw refusal('json_size');
  }
  const value = parse(text);
  if (value === undefined) {
    throw refusal('json_syntax');
  }
  // JSON.parse keeps one member per key: the text had more members exactly when a key came twice.
  if (checkValue(value) !== members) {
    throw refusal('json_duplicate_key');
  }
  return value;
}

function refusal(rule: JsonRule): VaultError {
  return new VaultError('invalid_request', { problems: [{ path: '', rule }] });
}

function decode(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

/** `undefined`, which is no JSON value, for a syntax error: its message would quote the input. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * Depth, number of members and of commas of a text that may be no JSON at all; stops once too deep or
 * too many. In valid JSON each colon outside of a string is one member.
 */
function scan(text: string, maxDepth: number): { depth: number; members: number; commas: number } {
  let open = 0;
  let depth = 0;
  let members = 0;
  let commas = 0;
  for (let at = 0; at < text.length && depth <= maxDepth && commas < MAX_ENTRIES; at += 1) {
    switch (text.charCodeAt(at)) {
      case QUOTE:
        at = endOfString(text, at);
        break;
      case COLON:
        members += 1;
        break;
      case COMMA:
        commas += 1;
        break;
      case OPEN_ARRAY:
      case OPEN_OBJECT:
        open += 1;
        depth = Math.max(depth, open);
        break;
      case CLOSE_ARRAY:
      case CLOSE_OBJECT:
        open -= 1;
        break;
    }
  }
  return { depth, members, commas };
}

/** Index of the quote that ends the string begun at `start`, or the end of the text. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (end !== -1 && isEscaped(text, end)) {
    end = text.indexOf('"', end + 1);
  }
  return end === -1 ? text.length : end;
}

/** An odd run of backslashes before the quote. Runs of different quotes do not overlap: linear in all. */
function isEscaped(text: string, quote: number): boolean {
  let first = quote;
  while (text.charCodeAt(first - 1) === BACKSLASH) {
    first -= 1;
  }
  return (quote - first) % 2 === 1;
}

/** Checks strings, keys and numbers; gives the number of members. Recursion is bounded by the depth check. */
function checkValue(value: unknown): number {
  if (typeof value === 'string') {
    checkString(value);
    return 0;
  }
  if (typeof value === 'number') {
    checkNumber(value);
    return 0;
  }
  if (typeof value !== 'object' || value === null) {
    return 0;
  }
  return Array.isArray(value) ? checkItems(value) : checkMembers(value as Record<string, unknown>);
}

/**
 * What a double cannot hold would come back as another number: 1e999 as null, an integer beyond 2^53
 * rounded (RFC 7493 §2.2).
 */
function checkNumber(value: number): void {
  if (!Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value))) {
    throw refusal('json_number');
  }
}

function checkString(text: string): void {
  if (!text.isWellFormed()) {
    throw refusal('json_lone_surrogate');
  }
}

function checkItems(items: readonly unknown[]): number {
  let members = 0;
  for (const item of items) {
    members += checkValue(item);
  }
  return members;
}

function checkMembers(object: Record<string, unknown>): number {
  const keys = Object.keys(object);
  let members = keys.length;
  for (const key of keys) {
    // Assigning such a key to a plain object would set its prototype.
    if (key === '__proto__') {
      throw refusal('json_forbidden_key');
    }
    checkString(key);
    members += checkValue(object[key]);
  }
  return members;
}
