/**
 * A cache that several processes share and nobody trusts: what it gives back may be old, altered, swapped or
 * made up, and its caller finds out. No method rejects or takes long: a cache that is down, slow or full has
 * nothing and keeps nothing.
 */
export interface SharedCache {
  /** What is kept under these names, in order; `undefined` for what is not, or not in time. */
  get(names: readonly string[]): Promise<readonly (Buffer | undefined)[]>;
  /** Keeps `bytes` for at most `lifeMs` milliseconds. Nobody is told whether it did. */
  put(name: string, bytes: Buffer, lifeMs: number): void;
  drop(names: readonly string[]): void;
  close(): Promise<void>;
}
