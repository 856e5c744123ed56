import { canonicalJson, type Json } from '../domain/audit/jcs.ts';
import { type Leaf, readLeaf } from '../domain/audit/read-leaf.ts';

/** An entry that was read; `leaf` is absent when it is none of version 1. */
export type Entry = { leaf: Leaf | undefined; isCanonical: boolean };

/**
 * Reads the bytes of an entry. Canonical (RFC 8785) means that there is one way only to write down what
 * the leaf says, so no reader can be shown something else by the same bytes: doubled members, say.
 */
export function readEntry(bytes: Uint8Array): Entry {
  try {
    // A byte order mark stays in the text, and is no JSON.
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    const leaf = readLeaf(text);
    return {
      leaf,
      isCanonical: canonicalJson(JSON.parse(text) as Exclude<Json, undefined>) === text,
    };
  } catch {
    // Also when brackets are nested deeper than the stack.
    return { leaf: undefined, isCanonical: false };
  }
}
