/** What is known of a token without its value. */
export type FoundToken = {
  token: string;
  fieldId: number;
  createdAt: Date;
  expiresAt?: Date;
};

/** Where the next page begins: after this row, in the order of creation (in milliseconds) and token. */
export type SearchPosition = { createdAt: Date; token: string };

/**
 * How full the spaces of a field are. `used` counts what is live and, in small formats, what can never be
 * issued again; `spaces` the kept parts that it is spread over (at most 65,536 are told apart), and `fullest` what is
 * used of the fullest of them: never less than of the fullest kept part there is.
 */
export type FieldUsage = { fieldId: number; used: number; spaces: number; fullest: number };

/** Questions about many tokens at once. Reads only; both reject with `store_unavailable`. */
export interface TokenSearch {
  /**
   * Live tokens of these fields that have all of these tags (keyed digests, 16 bytes, none twice) and were created
   * from `from` (inclusive) to `to` (exclusive), the newest first, at most `limit`. Tags that each are
   * frequent and hardly ever meet can take longer than a statement may: `store_unavailable`.
   */
  search(query: {
    vaultId: number;
    fieldIds: readonly number[];
    tags: readonly Buffer[];
    from?: Date;
    to?: Date;
    after?: SearchPosition;
    limit: number;
  }): Promise<FoundToken[]>;

  /**
   * Of every field that has rows, by id. Counted, not estimated: takes time in proportion to the table. For
   * fields without small spaces `spaces` and `fullest` are 0.
   */
  usage(vaultId: number): Promise<FieldUsage[]>;
}
