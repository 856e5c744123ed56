/** The last state of a shard that was signed. */
export type Head = {
  size: number;
  /** 32 bytes. */
  root: Buffer;
  /** The checkpoint with the log's own signatures, verbatim. */
  note: string;
};

/**
 * What the log has signed, remembered outside its database: who restores the database to an earlier state
 * does not restore this (AUDIT-LOG §4.6). Methods reject with `store_unavailable` when the store does not
 * answer, and with `internal` when what it holds is no head of that origin: then nothing may be signed.
 */
export interface HeadStore {
  /** True when all instances see the same memory: a head that one of them signed binds the others. */
  readonly shared: boolean;
  /** The head of the shard with this origin; `undefined` when nothing is remembered. */
  read(origin: string): Promise<Head | undefined>;
  /**
   * Compare and swap: remembers `head` if the remembered size is still `expectedSize` (`undefined`: no
   * head) and smaller. True once that is durable. False: somebody else was faster; read again. Rejects
   * also in doubt; then a later `read` tells.
   */
  advance(step: { origin: string; head: Head; expectedSize: number | undefined }): Promise<boolean>;
  close(): Promise<void>;
}
