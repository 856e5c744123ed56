import type { StoredToken, TokenKey, TokenStore } from '../../operations/ports/token-store.ts';
import { importToken, insertToken } from './token-inserts.ts';
import {
  answerTo,
  digestName,
  endRow,
  findHolder,
  isLive,
  makeTokenTables,
  subjectOf,
  type TokenTableRow,
  type TokenTables,
  tokenName,
  toStored,
} from './token-tables.ts';

/**
 * The encrypted mapping in memory, for tests: it keeps the port's contract, not the data.
 *
 * @param clock judges liveness, as the database's clock does
 * @param tables are shared with the other stores over the same tokens
 */
export function makeMemoryTokenStore(
  clock: { now(): number },
  tables: TokenTables = makeTokenTables(),
): TokenStore {
  const { rows, revoked, subjects } = tables;
  const live = (row: TokenTableRow | undefined): StoredToken | undefined =>
    row !== undefined && isLive(row, clock.now()) ? toStored(tables, row, clock.now()) : undefined;

  function takeReveal(key: TokenKey): boolean {
    const row = rows.get(tokenName(key));
    if (row?.revealsLeft === undefined || live(row) === undefined) return false;
    row.revealsLeft -= 1;
    return true;
  }

  return {
    find: async (key) => live(rows.get(tokenName(key))),
    findByFingerprint: async (key) => live(findHolder(tables, key)),
    insert: async (row) => insertToken(tables, row, clock.now()),
    import: async (row) => importToken(tables, row, clock.now()),
    findAnswer: async (call) => answerTo(tables, call, clock.now()),
    takeReveal: async (key) => takeReveal(key),
    link: async ({ subjectId, ...key }) => {
      const row = rows.get(tokenName(key));
      if (live(row) !== undefined && subjectOf(tables, { subjectId }) !== undefined) {
        row?.subjectIds.add(subjectId);
      }
    },
    async revoke({ tombstone, ...key }) {
      const row = rows.get(tokenName(key));
      if (row === undefined || live(row) === undefined) return false;
      endRow(tables, row, tombstone);
      revoked.set(tokenName(key), clock.now());
      return true;
    },
    async ensureSubject({ vaultId, digest, sealedSecret }) {
      const name = digestName(vaultId, digest);
      const row = subjects.get(name) ?? { id: tables.nextSubjectId(), digest, sealedSecret };
      subjects.set(name, row);
      return row;
    },
    findOfSubject: async ({ vaultId, digest, limit }) => {
      const id = subjects.get(digestName(vaultId, digest))?.id;
      return [...rows.values()]
        .filter((row) => row.vaultId === vaultId && isLive(row, clock.now()))
        .filter(({ subjectIds }) => id !== undefined && subjectIds.has(id))
        .map(({ token }) => token)
        .sort()
        .slice(0, limit);
    },
  };
}
