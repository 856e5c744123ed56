import type { Leaf } from '../domain/audit/read-leaf.ts';
import type { Policy } from '../tlog/policy.ts';

/** What the auditor brings along. */
export type VerifyOptions = {
  /** Whose signatures are believed. Never take it from where the log came from. */
  policy: Policy;
  /** A signed checkpoint of this log that the auditor kept. */
  since?: string | Uint8Array | undefined;
  /** Sees each leaf that could be read, in order. */
  onLeaf?: ((index: number, leaf: Leaf) => Promise<void> | void) | undefined;
};
