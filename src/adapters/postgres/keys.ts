import type { Pool } from 'pg';
import type { WrappedKey, WrappedKeyStore } from '../../crypto/wrapped-key.ts';
import type { Clock } from '../../operations/ports/clock.ts';
import { readTwice, untilCertain } from './certainty.ts';
import { runStatement } from './session.ts';

type KeyRow = Pick<WrappedKey, 'purpose' | 'version' | 'state' | 'wrapped' | 'mac'> & {
  vault_id: number;
};

const LOAD = `
select vault_id, purpose, version, state, wrapped, mac
from key_version
where vault_id = $1`;

const INSERT = `
insert into key_version (vault_id, purpose, version, state, wrapped, mac)
values ($1, $2, $3, $4, $5, $6)
on conflict (vault_id, purpose, version) do nothing`;

/**
 * Wrapped data keys in Postgres. Nothing here is trusted: the caller checks each row's MAC, and the
 * keyring opens a key only as what it was made for.
 */
export function makeWrappedKeyStore(deps: { pool: Pool; clock: Clock }): WrappedKeyStore {
  return {
    async load(vaultId) {
      const rows = await readTwice(deps.pool, (session) =>
        session.rows<KeyRow>({ text: LOAD, values: [vaultId] }),
      );
      return rows.map(({ vault_id, ...row }) => ({ vaultId: vault_id, ...row }));
    },

    async insert(key) {
      const statement = {
        text: INSERT,
        values: [key.vaultId, key.purpose, key.version, key.state, key.wrapped, key.mac],
      };
      await untilCertain<unknown>(deps, {
        first: () => runStatement(deps.pool, statement),
        again: (session) => session.rows(statement),
      });
    },
  };
}
