import type { DumpTable } from '../../operations/ports/vault-dump.ts';

/** A column that goes with a row, and its type. */
type Columns = Readonly<
  Record<string, 'smallint' | 'int' | 'bigint' | 'text' | 'bytea' | 'timestamptz'>
>;

/**
 * What of each table goes with a vault: everything but `vault_id`, which is another one in another
 * installation, and what is generated from the rest.
 */
export const DUMPED_COLUMNS: Readonly<Record<DumpTable, Columns>> = {
  subject: { id: 'bigint', digest: 'bytea', sealed_secret: 'bytea', created_at: 'timestamptz' },
  token: {
    shard: 'smallint',
    token: 'text',
    field_id: 'smallint',
    fp_even: 'bytea',
    fp_odd: 'bytea',
    sealed: 'bytea',
    metadata: 'bytea',
    subject_id: 'bigint',
    created_at: 'timestamptz',
    expires_at: 'timestamptz',
    reveals_left: 'int',
    space: 'smallint',
    target_shard: 'smallint',
    target_token: 'text',
  },
  token_subject: { shard: 'smallint', token: 'text', subject_id: 'bigint' },
  token_tag: { shard: 'smallint', token: 'text', tag: 'bytea' },
  tombstone: {
    shard: 'smallint',
    digest: 'bytea',
    field_id: 'smallint',
    space: 'smallint',
    buried_at: 'timestamptz',
  },
  revocation: {
    shard: 'smallint',
    token: 'text',
    call_id: 'bytea',
    revoked_at: 'timestamptz',
  },
  erasure: { digest: 'bytea', erased_at: 'timestamptz', erased: 'int' },
};
