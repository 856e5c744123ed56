import { VaultError } from '../../domain/errors.ts';
import type { Head, HeadStore } from '../../operations/ports/head-store.ts';
import { parseCheckpoint } from '../../tlog/checkpoint.ts';
import { parseNote } from '../../tlog/note.ts';
import { makeOwnTable } from './own-table.ts';
import { runStatement } from './session.ts';

const CREATE = `
create table if not exists counterfoil_audit_head (
  origin text primary key,
  size bigint not null check (size >= 0),
  note text not null,
  signed_at timestamptz not null default clock_timestamp()
)`;

const READ = 'select size, note from counterfoil_audit_head where origin = $1';

const INSERT = `
insert into counterfoil_audit_head (origin, size, note) values ($1, $2, $3)
on conflict (origin) do nothing
returning origin`;

const ADVANCE = `
update counterfoil_audit_head set size = $2, note = $3, signed_at = clock_timestamp()
where origin = $1 and size = $4 and size < $2
returning origin`;

const CONNECTIONS = 2;

/**
 * Heads in a database of its own, which must not be the one whose log it remembers: one that is restored
 * separately, and written by other people. It makes its table itself, at the first use.
 */
export function makePostgresHeadStore(connectionString: string): HeadStore {
  const { pool, ready } = makeOwnTable({
    connectionString,
    max: CONNECTIONS,
    name: 'counterfoil-audit-head',
    create: CREATE,
  });
  return {
    shared: true,

    async read(origin) {
      await ready();
      const [row] = await runStatement<{ size: string; note: string }>(pool, {
        text: READ,
        values: [origin],
      });
      return row && readHead(row, origin);
    },

    async advance({ origin, head, expectedSize }) {
      await ready();
      const values = [origin, head.size, head.note];
      const statement =
        expectedSize === undefined
          ? { text: INSERT, values }
          : { text: ADVANCE, values: [...values, expectedSize] };
      return (await runStatement(pool, statement)).length === 1;
    },

    close: () => pool.end(),
  };
}

function readHead({ size, note }: { size: string; note: string }, origin: string): Head {
  const detail = `the remembered head of ${origin} is no checkpoint of it`;
  let checkpoint: ReturnType<typeof parseCheckpoint>;
  try {
    checkpoint = parseCheckpoint(parseNote(note).text);
  } catch (cause) {
    throw new VaultError('internal', { detail, cause });
  }
  if (checkpoint.origin !== origin || String(checkpoint.size) !== size) {
    throw new VaultError('internal', { detail });
  }
  return { size: checkpoint.size, root: checkpoint.root, note };
}
