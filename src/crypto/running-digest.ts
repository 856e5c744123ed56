import { createHash } from 'node:crypto';

/** SHA-256 over everything that is added to it. */
export type RunningDigest = {
  add(bytes: Uint8Array): void;
  /** In lower-case hex, of all that was added by now. */
  hex(): string;
};

/** Begins a SHA-256 over parts that come one after the other. Unkeyed: never of a value. */
export function makeRunningDigest(): RunningDigest {
  const hash = createHash('sha256');
  return {
    add: (bytes) => {
      hash.update(bytes);
    },
    hex: () => hash.copy().digest('hex'),
  };
}
