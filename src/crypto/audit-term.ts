import { hmacFrame, sha256 } from './digest.ts';
import { frame } from './framing.ts';
import type { SecretKey } from './secret.ts';

/** What the log can be searched by without opening it. The number stands in stored batches. */
export const TERM_KINDS = { token: 1, actor: 2, reference: 3, purpose: 4 } as const;

export type TermKind = keyof typeof TERM_KINDS;

/** A blind-index term: the kind, and the first 64 bits of a keyed hash, as a signed integer. */
export type Term = { kind: TermKind; hash: bigint };

/**
 * The blind-index term of a text under the term key of a month: HMAC-SHA-256 over
 * frame(`counterfoil/audit-term/v1`, kind, text), its first 8 bytes as a signed big-endian integer. A
 * token is its reference, an actor the subject of its credential. Terms hide texts from those who lack
 * the key, not how often which one occurs within a month.
 */
export function termOf(key: SecretKey, kind: TermKind, text: string): Term {
  return { kind, hash: hmacFrame(key, [text], HEADS[kind]).readBigInt64BE() };
}

const head = (kind: TermKind): Buffer => frame(['counterfoil/audit-term/v1', TERM_KINDS[kind]]);
const HEADS: Readonly<Record<TermKind, Buffer>> = {
  token: head('token'),
  actor: head('actor'),
  reference: head('reference'),
  purpose: head('purpose'),
};

/**
 * The term that an event is found by: the first 8 bytes of its id, which is random. No key, since the
 * id itself stands in the leaf.
 */
export function eventTerm(eventId: string): bigint {
  return Buffer.from(eventId, 'base64url').readBigInt64BE();
}

/**
 * The term of a facet, which is what an event can be searched by without a key: `op:<operation>`,
 * `out:<outcome>`, `vlt:<vault>` as in its leaf, and `purposeFacet`.
 */
export function facetTerm(facet: string): bigint {
  return sha256(frame(['counterfoil/audit-facet/v1', facet])).readBigInt64BE();
}

/** The facet of a purpose, from its keyed term. */
export function purposeFacet(hash: bigint): string {
  return `pur:${BigInt.asUintN(64, hash).toString(16).padStart(16, '0')}`;
}
