import type { Pool } from 'pg';
import { SYSTEM_VAULT_ID } from '../../crypto/wrapped-key.ts';
import { VaultError } from '../../domain/errors.ts';
import type { Clock } from '../../operations/ports/clock.ts';
import { untilCertain } from './certainty.ts';
import { runStatement, type Session, withSession } from './session.ts';

type Deps = { pool: Pool; clock: Clock };

const MAX_ATTEMPTS = 50;

const CREATE_VAULT = `
insert into vault (name) values ($1)
on conflict (name) do nothing`;

const READ_VAULT = 'select id from vault where name = $1';

const READ_SEAL_ID = 'select coalesce(seal_id, id) as seal_id from vault where id = $1';

const READ_FIELDS = 'select id, name, mac from field where vault_id = $1 order by id';

// Two that pick the same number: one stores nothing, reads again and picks the next.
const CREATE_FIELD = `
insert into field (vault_id, id, name, mac) values ($1, $2, $3, $4)
on conflict do nothing`;

// By the index of fields and times, in which the rows of aliases are not: those never exist without a token.
const HAS_TOKENS = `
select exists (select from token where vault_id = $1 and field_id = $2 and target_token is null)
  or exists (select from tombstone where vault_id = $1 and field_id = $2) as found`;

/** A field's id as it is stored. `mac` must be checked before the pair is believed. */
export type FieldRow = { id: number; name: string; mac: Buffer };

/** The id of the vault of this name, made when there is none. Racing callers get one vault. */
export async function ensureVault(deps: Deps, name: string): Promise<number> {
  const ensure = async (session: Session) => {
    await session.rows({ text: CREATE_VAULT, values: [name] });
    const [vault] = await session.rows<{ id: number }>({ text: READ_VAULT, values: [name] });
    return vault?.id;
  };
  const id = await untilCertain(deps, {
    first: () => withSession(deps.pool, ensure),
    again: ensure,
  });
  if (id === undefined || id === SYSTEM_VAULT_ID) {
    throw new VaultError('internal', { detail: 'not a name that a vault can have' });
  }
  return id;
}

/** All vaults but `_system`, by id. */
export function loadVaults(deps: Deps): Promise<{ id: number; name: string }[]> {
  return runStatement(deps.pool, { text: 'select id, name from vault where id > 0 order by id' });
}

/**
 * The number that the vault's data is bound to: its own id, or for a restored vault the one that it had where it
 * was exported. Another number opens nothing.
 */
export async function readSealId(deps: Pick<Deps, 'pool'>, vaultId: number): Promise<number> {
  const statement = { text: READ_SEAL_ID, values: [vaultId] };
  const [vault] = await runStatement<{ seal_id: number }>(deps.pool, statement);
  if (vault === undefined) {
    throw new VaultError('key_unavailable', { detail: 'there is no such vault' });
  }
  return vault.seal_id;
}

/** All fields that the vault ever had, by id. */
export function readFields(deps: Deps, vaultId: number): Promise<FieldRow[]> {
  return runStatement<FieldRow>(deps.pool, { text: READ_FIELDS, values: [vaultId] });
}

/**
 * All fields that the vault ever had, after making those of `names` that are new. A name keeps its id
 * for ever. Numbers of a vault run from 1 to 32,767. Racing callers get one id per name.
 *
 * @param vault.mac makes the MAC of a new field, once the id is known that it must cover
 */
export async function ensureFields(
  deps: Deps,
  vault: { vaultId: number; names: readonly string[]; mac: (id: number, name: string) => Buffer },
): Promise<FieldRow[]> {
  const { vaultId, names, mac } = vault;
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const fields = await readFields(deps, vaultId);
    const known = new Set(fields.map(({ name }) => name));
    const missing = names.filter((name) => !known.has(name));
    if (missing.length === 0) {
      return fields;
    }
    const highest = fields.at(-1)?.id ?? 0;
    const rows = missing.map((name, index) => ({ id: highest + 1 + index, name }));
    const create = async (session: Session) => {
      for (const { id, name } of rows) {
        const values = [vaultId, id, name, mac(id, name)];
        await session.rows({ text: CREATE_FIELD, values });
      }
    };
    await untilCertain<unknown>(deps, {
      first: () => withSession(deps.pool, create),
      again: create,
    });
  }
  throw new VaultError('store_unavailable', { detail: 'lost every race for a field id' });
}

/** True when the store has a token of this field, live or not, or remembers that there was one. */
export async function hasTokens(
  deps: Deps,
  { vaultId, fieldId }: { vaultId: number; fieldId: number },
): Promise<boolean> {
  const [row] = await runStatement<{ found: boolean }>(deps.pool, {
    text: HAS_TOKENS,
    values: [vaultId, fieldId],
  });
  return row?.found !== false;
}
