import type { JournalStore } from '../../operations/ports/erasure-journal.ts';
import { makeOwnTable } from './own-table.ts';
import { runStatement } from './session.ts';

const CREATE = `
create table if not exists counterfoil_erasure (
  name text primary key,
  entry text not null,
  noted_at timestamptz not null default clock_timestamp()
)`;

const ADD = `
insert into counterfoil_erasure (name, entry) values ($1, $2)
on conflict (name) do nothing`;

const NAMES = 'select name from counterfoil_erasure';

const READ = 'select name, entry from counterfoil_erasure where name = any($1::text[])';

const CONNECTIONS = 2;

/**
 * The entries of a journal in a database of its own, which must not be the one whose erasures it remembers: one
 * that is restored separately. It makes its table itself, at the first use.
 */
export function makePostgresJournalStore(connectionString: string): JournalStore {
  const { pool, ready } = makeOwnTable({
    connectionString,
    max: CONNECTIONS,
    name: 'counterfoil-erasures',
    create: CREATE,
  });
  return {
    async add(name, text) {
      await ready();
      await runStatement(pool, { text: ADD, values: [name, text] });
    },

    async names() {
      await ready();
      const rows = await runStatement<{ name: string }>(pool, { text: NAMES });
      return rows.map(({ name }) => name);
    },

    async read(names) {
      await ready();
      const values = [names];
      const rows = await runStatement<{ name: string; entry: string }>(pool, {
        text: READ,
        values,
      });
      return new Map(rows.map(({ name, entry }) => [name, entry]));
    },

    close: () => pool.end(),
  };
}
