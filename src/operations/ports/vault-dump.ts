/** The tables whose rows go with a vault. */
export const DUMP_TABLES = [
  'subject',
  'token',
  'token_subject',
  'token_tag',
  'tombstone',
  'revocation',
  'erasure',
] as const;

export type DumpTable = (typeof DUMP_TABLES)[number];

/** A vault at one moment. */
export type VaultSnapshot = {
  /** The number that the vault's data is bound to. */
  sealId: number;
  /** Number of the newest migration: what columns there are. */
  schemaVersion: number;
  /** The document of the policy that was asked for. */
  document: string;
  /**
   * All rows that go with the vault, as they are, each a JSON object by column; nothing is opened. Page by
   * page, in the order of `DUMP_TABLES`: a row comes after those that it refers to.
   */
  pages: AsyncIterable<{ table: DumpTable; rows: readonly string[] }>;
};

/** Reads whole vaults, as they are stored. */
export interface VaultDump {
  /**
   * Shows one state of the vault to `work`, for as long as it runs: what is written meanwhile is not seen.
   * Rejects with `store_unavailable`, also when `work` leaves the store waiting for more than a minute, with
   * `overloaded` when too many run at once, and with what `work` rejects with.
   *
   * @param vault.policyHash SHA-256 of the policy document that is asked for
   */
  read<T>(
    vault: { vaultId: number; policyHash: Buffer },
    work: (snapshot: VaultSnapshot) => Promise<T>,
  ): Promise<T>;
}
