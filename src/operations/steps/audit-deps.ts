import type { Keysets } from '../../crypto/keysets.ts';
import type { AuditProgress } from '../ports/audit-log.ts';
import type { AuditReader } from '../ports/audit-reader.ts';
import type { OperationDeps } from './deps.ts';

/** What reading the log needs of the world. */
export type AuditDeps = Pick<
  OperationDeps,
  'vaults' | 'keys' | 'tokens' | 'audit' | 'clock' | 'receipts'
> & {
  reader: AuditReader;
  progress: AuditProgress;
  /** Opens disclosures; makes and finds blind-index terms. */
  auditKeys: Pick<Keysets, 'findPrivateCipher' | 'auditTerm' | 'auditTerms'>;
  /** Verifier keys of the shard of this origin: the present one, and those before it. */
  vkeysOf: (origin: string) => Promise<readonly string[]>;
  /** Version of the service, for exports. */
  version: string;
};
