import type { Pool } from 'pg';
import { VaultError } from '../../domain/errors.ts';
import { runStatement } from './session.ts';

// reset_val: what this database gives to every session, before the pool's own SET.
const SETTINGS = `
select name, reset_val as value from pg_settings
where name in ('fsync', 'full_page_writes', 'synchronous_commit')`;

const RIGHTS = `
select r.rolsuper as superuser,
  pg_has_role(current_user, c.relowner, 'member') as owner,
  has_table_privilege(c.oid, 'update')
    or has_any_column_privilege(c.oid, 'update') as can_update,
  has_table_privilege(c.oid, 'delete') as can_delete,
  has_table_privilege(c.oid, 'truncate') as can_truncate
from pg_class c join pg_roles r on r.rolname = current_user
where c.oid = 'audit_pending'::regclass`;

type Rights = Record<'superuser' | 'owner' | 'can_update' | 'can_delete' | 'can_truncate', boolean>;

/**
 * Refuses a database that does not keep what it acknowledged: then an event could be lost after its
 * answer has left. Rejects with `internal` and one line that says what to change.
 */
export async function checkDurability(pool: Pool): Promise<void> {
  const settings = await runStatement<{ name: string; value: string }>(pool, { text: SETTINGS });
  const off = settings.filter(({ value }) => value === 'off').map(({ name }) => name);
  if (off.length > 0) {
    throw new VaultError('internal', {
      detail: `Postgres may lose acknowledged writes: set ${off.join(', ')} to on, and start again`,
    });
  }
}

/**
 * Refuses a service role that could change the audit log. Rejects with `internal` and one line that
 * says what to change.
 */
export async function checkServiceRole(pool: Pool): Promise<void> {
  const [rights] = await runStatement<Rights>(pool, { text: RIGHTS });
  const wrong = Object.entries(rights ?? {}).filter(([, has]) => has);
  if (rights === undefined || wrong.length > 0) {
    const what = wrong.map(([right]) => right.replace('can_', 'may ')).join(', ');
    throw new VaultError('internal', {
      detail: `the service's database role could change audit_pending (${what}): connect as a role whose only membership is counterfoil_service`,
    });
  }
}
