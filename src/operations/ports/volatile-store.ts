/** A value that is kept in memory only (DESIGN §6). `sealed` is bound to all other members. */
export type VolatileToken = {
  vaultId: number;
  token: string;
  fieldId: number;
  sealed: Buffer;
  createdAtMs: number;
  /** Epoch milliseconds; at most one hour after `createdAtMs`. */
  expiresAtMs: number;
  /** Sealed, too. */
  metadata?: Buffer;
};

/**
 * Tokens that never reach a disk of ours: in Redis, or in the memory of the process for development. What
 * it gives back is not to be trusted before it is opened. All methods reject with `store_unavailable`
 * when it cannot answer in time.
 */
export interface VolatileStore {
  /** False when the token string is in use. `reveals`: how often `takeReveal` will say yes. */
  put(row: VolatileToken, reveals?: number): Promise<boolean>;
  /** The row, or `undefined` when there is none, it expired, or no reveal is left. */
  find(key: { vaultId: number; token: string }): Promise<VolatileToken | undefined>;
  /** As `TokenStore.takeReveal`; true for rows without a limit. */
  takeReveal(key: { vaultId: number; token: string }): Promise<boolean>;
  /** Ends it; true when there was one. */
  end(key: { vaultId: number; token: string }): Promise<boolean>;
  close(): Promise<void>;
}
