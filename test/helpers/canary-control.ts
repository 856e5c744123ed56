import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { spellingsOf } from './canary-encodings.ts';
import { runAsAdmin } from './canary-places.ts';
import { makeCanaryCage } from './canary-values.ts';

const TABLE = 'canary_control';
const FILE = 'canary-control';

/** Where each single spelling must be found: a table read through SQL, its file, and a plain file. */
const EVERY = [
  new RegExp(`^${FILE}$`),
  new RegExp(`^table ${TABLE} as bytes$`),
  /^postgres\/data\/base\//,
  /^redis$/,
];
/** Where something must be found, for the place to count as searched. */
const SOME = [
  /^standard output$/,
  /postgres\.log$/,
  /^postgres\/data\/pg_wal\//,
  new RegExp(`^table ${TABLE} as text$`),
];

/**
 * The positive control: texts that the test itself puts where secrets must not be. A searcher that
 * finds nothing proves nothing, unless it finds these.
 */
export function makeControl() {
  const cage = makeCanaryCage();
  const line = cage.make('unicode');
  cage.make('pan');
  const texts = cage.all().flatMap(({ forms }) => forms);
  const spellings = texts.flatMap((text) =>
    spellingsOf(text).map(({ encoding, bytes }) => ({ name: `${text} as ${encoding}`, bytes })),
  );
  const bytes = Buffer.from(
    spellings.map((spelling) => spelling.bytes.toString('latin1')).join('\n'),
    'latin1',
  );
  return {
    texts,
    /** Every spelling, for a place of its own. */
    bytes,
    /** For a log whose program cannot be made to write it. */
    line,

    /** Writes every spelling into a table and a file, and the line into Postgres's own log. */
    async plant({ adminUrl, dataDir }: { adminUrl: string; dataDir: string }): Promise<void> {
      const rows = spellings.map(({ bytes }) => `(decode('${bytes.toString('hex')}', 'hex'))`);
      await runAsAdmin(adminUrl, {
        database: 'counterfoil',
        sql: [
          `create table ${TABLE} (bytes bytea)`,
          `insert into ${TABLE} values ${rows.join(', ')}`,
          `do $$ begin raise warning 'control: %', '${line}'; end $$`,
        ],
      });
      await writeFile(join(dataDir, FILE), bytes);
    },

    checkFound(found: readonly { place: string; text: string; encoding: string }[]): void {
      const foundIn = (place: RegExp) =>
        new Set(
          found
            .filter((hit) => place.test(hit.place))
            .map(({ text, encoding }) => `${text} as ${encoding}`),
        );
      for (const place of EVERY) {
        const there = foundIn(place);
        const missed = spellings.filter(({ name }) => !there.has(name)).map(({ name }) => name);
        assert.deepEqual(missed, [], `${place}`);
      }
      for (const place of SOME) assert.ok(foundIn(place).size > 0, `nothing found in ${place}`);
    },
  };
}
