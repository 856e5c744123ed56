import type { Policy } from '../../domain/policy/policy.ts';

/** A vault as requests meet it: its policy in force and the ids that its rows carry. */
export type Vault = {
  id: number;
  name: string;
  policy: Policy;
  /** `<version>:<sha-256 of the document, hex>`: what an audit event cites. */
  policyRef: string;
  /** The number in front of it: versions of a vault count up. */
  policyVersion: number;
  /** Field name → id; ids outlive renames of nothing: a name keeps its id for ever. */
  fieldIds: ReadonlyMap<string, number>;
  /** The reverse of `fieldIds`; holds fields that the policy in force no longer has, too. */
  fieldNames: ReadonlyMap<number, string>;
};

export interface VaultRegistry {
  /** The vault of that name as it is now, or `undefined`. In memory: no I/O on the request path. */
  find(name: string): Vault | undefined;
  /** All vaults, but for the service's own. */
  all(): readonly Vault[];
  /**
   * Reads these vaults anew: their policies have newer versions. Resolves when `find` gives what was in force
   * after the call; rejects when what is stored of one of them cannot be believed or read: that one stays as it was.
   */
  refresh(vaultIds: readonly number[]): Promise<void>;
}
