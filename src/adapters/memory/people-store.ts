import type { Erasure, PeopleStore, PersonKey } from '../../operations/ports/people-store.ts';
import { digestName, endRow, isLive, type TokenTables, toStored } from './token-tables.ts';

/** Persons in the tables of the token store in memory, for tests. */
export function makeMemoryPeopleStore(clock: { now(): number }, tables: TokenTables): PeopleStore {
  const idOf = ({ vaultId, digest }: PersonKey) =>
    tables.subjects.get(digestName(vaultId, digest))?.id;

  const linkedTo = (subjectId: string | undefined) =>
    [...tables.rows.values()].filter(
      ({ subjectIds }) => subjectId !== undefined && subjectIds.has(subjectId),
    );

  function eraseSubject(subjectId: string, tombstone: (token: string) => Buffer): number {
    const rows = linkedTo(subjectId);
    const gone = rows.filter(
      (row) => row.subjectIds.size === 1 || (row.sealedForSubject && row.subjectId === subjectId),
    );
    for (const row of gone) endRow(tables, row, row.small && tombstone(row.token));
    for (const row of rows) {
      row.subjectIds.delete(subjectId);
      delete row.metadata;
      delete row.tags;
    }
    for (const [name, answer] of tables.answers) {
      if (answer.subjectId === subjectId) tables.answers.delete(name);
    }
    return gone.length;
  }

  return {
    rowsOf: async ({ after, limit, ...person }) =>
      linkedTo(idOf(person))
        .filter((row) => isLive(row, clock.now()))
        .sort(byPlace)
        .filter((row) => after === undefined || byPlace(row, after) > 0)
        .slice(0, limit)
        .map((row) => ({
          row: toStored(tables, row, clock.now()),
          isShared: row.subjectIds.size > 1,
        })),

    async erase({ tombstone, ...erasure }) {
      const before = tables.erasures.get(erasureName(erasure));
      if (before !== undefined) return before;
      const subjectId = idOf(erasure);
      const erased = subjectId === undefined ? 0 : eraseSubject(subjectId, tombstone);
      tables.subjects.delete(digestName(erasure.vaultId, erasure.digest));
      tables.erasures.set(erasureName(erasure), erased);
      return erased;
    },

    unknownErasures: async (erasures) =>
      erasures.filter((erasure) => !tables.erasures.has(erasureName(erasure))),
  };
}

function erasureName({ vaultId, digest, atMs }: Erasure): string {
  return `${digestName(vaultId, digest)}/${atMs}`;
}

type Place = { shard: number; token: string };

function byPlace(a: Place, b: Place): number {
  return a.shard - b.shard || (a.token < b.token ? -1 : Number(a.token > b.token));
}
