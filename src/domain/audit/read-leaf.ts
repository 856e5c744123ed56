import type { Outcome } from './event.ts';

/** A leaf that was read back; its members are those of AUDIT-LOG §5.2. */
export type Leaf = {
  v: 1;
  id: string;
  /** Milliseconds since the epoch. */
  t: number;
  op: string;
  out: Outcome;
  rc: number;
  rsn?: string;
  vlt?: string;
  pol?: string;
  n: number;
  cnt?: number;
  /** Boot id and number; absent for what the log writes of itself. */
  w?: readonly [bootId: string, seq: number];
  _sd: readonly string[];
  attr?: { readonly [name: string]: unknown };
};

const ID = /^[\w-]{22}$/;
const OUTCOMES: ReadonlySet<unknown> = new Set<Outcome>(['allow', 'deny', 'error']);

/** No calendar holds what is later (ECMA-262 §21.4.1.1), and `Date` throws. */
const MAX_TIME_MS = 8.64e15;

const isText = (value: unknown) => typeof value === 'string';
const isCount = (value: unknown) => Number.isSafeInteger(value) && Number(value) >= 0;
const isTextOrAbsent = (value: unknown) => value === undefined || isText(value);
const isObject = (value: unknown) =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isWriter = (value: unknown) =>
  Array.isArray(value) && value.length === 2 && isText(value[0]) && isCount(value[1]);

// Plain conditions, not a table of checks: the sequencer reads every event.
const hasMembers = (leaf: { [Name in keyof Leaf]?: unknown }): boolean =>
  leaf.v === 1 &&
  isText(leaf.id) &&
  ID.test(String(leaf.id)) &&
  isCount(leaf.t) &&
  Number(leaf.t) <= MAX_TIME_MS &&
  isText(leaf.op) &&
  OUTCOMES.has(leaf.out) &&
  isCount(leaf.rc) &&
  isCount(leaf.n) &&
  Array.isArray(leaf._sd) &&
  leaf._sd.every(isText) &&
  hasOptionalMembers(leaf);

const hasOptionalMembers = (leaf: { [Name in keyof Leaf]?: unknown }): boolean =>
  isTextOrAbsent(leaf.rsn) &&
  isTextOrAbsent(leaf.vlt) &&
  isTextOrAbsent(leaf.pol) &&
  (leaf.cnt === undefined || isCount(leaf.cnt)) &&
  (leaf.w === undefined || isWriter(leaf.w)) &&
  (leaf.attr === undefined || isObject(leaf.attr));

const UTF8 = new TextDecoder();

/**
 * Reads the bytes or text of a leaf. `undefined` when they are not JSON with the members of version 1:
 * then they were not written by this program. Members that it does not know are left alone.
 */
export function readLeaf(bytes: Uint8Array | string): Leaf | undefined {
  const text = typeof bytes === 'string' ? bytes : UTF8.decode(bytes);
  let leaf: unknown;
  try {
    leaf = JSON.parse(text);
  } catch {
    return undefined;
  }
  return isObject(leaf) && hasMembers(leaf as object) ? (leaf as Leaf) : undefined;
}
