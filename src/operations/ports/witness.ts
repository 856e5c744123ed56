/** A checkpoint that shall be cosigned. */
export type CosignRequest = {
  origin: string;
  size: number;
  /** The checkpoint, signed by the log. */
  note: string;
  /** The consistency proof from an earlier size of the tree to this one. */
  proofFrom(oldSize: number): Promise<readonly Uint8Array[]>;
};

/** Why there is no cosignature. */
export type WitnessFailure =
  | 'timeout'
  | 'unreachable'
  /** It does not know the log, or not this key of it. */
  | 'unknown_log'
  | 'unknown_key'
  /** It saw another tree of this log. */
  | 'proof_refused'
  | 'answer_unusable'
  /** What it answered is not its signature on this checkpoint. */
  | 'cosignature_wrong';

export type WitnessAnswer =
  /** One signature line, verified. */
  | { kind: 'cosigned'; line: string }
  /**
   * It says that it has cosigned a larger tree. `note` is what it shows for that, if anything: believe it
   * for the log's own signature on it, and nothing else.
   */
  | { kind: 'ahead'; size: number; note?: string }
  | { kind: 'failed'; reason: WitnessFailure };

/** Someone outside who cosigns only what extends all that it has cosigned before (C2SP tlog-witness). */
export interface Witness {
  /** Its name in the policy. */
  readonly name: string;
  /** Ends early when `signal` aborts. Rejects only with what `proofFrom` rejects with. */
  cosign(request: CosignRequest, signal: AbortSignal): Promise<WitnessAnswer>;
}
