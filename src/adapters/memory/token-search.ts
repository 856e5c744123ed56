import type {
  FieldUsage,
  FoundToken,
  SearchPosition,
  TokenSearch,
} from '../../operations/ports/token-search.ts';
import { isLive, type TokenTableRow, type TokenTables } from './token-tables.ts';

type Query = Parameters<TokenSearch['search']>[0];

/** Search and counts over the tables of the token store in memory, for tests. */
export function makeMemoryTokenSearch(clock: { now(): number }, tables: TokenTables): TokenSearch {
  const rowsOf = (vaultId: number) =>
    [...tables.rows.values()].filter((row) => row.vaultId === vaultId);
  return {
    search: async (query) =>
      rowsOf(query.vaultId)
        .filter((row) => isLive(row, clock.now()) && isWanted(row, query))
        .sort((a, b) => compare(b, a))
        .filter((row) => query.after === undefined || compare(row, query.after) < 0)
        .slice(0, query.limit)
        .map(toFound),
    async usage(vaultId) {
      const used = rowsOf(vaultId)
        .filter((row) => row.small !== undefined || isLive(row, clock.now()))
        .map(({ fieldId, small }) => ({ fieldId, space: small?.space }));
      const ended = [...tables.tombstones.values()].filter((each) => each.vaultId === vaultId);
      const fields = Map.groupBy([...used, ...ended], ({ fieldId }) => fieldId);
      return [...fields]
        .sort(([a], [b]) => a - b)
        .map(([fieldId, strings]) => usageOf(fieldId, strings));
    },
  };
}

function isWanted(row: TokenTableRow, query: Query): boolean {
  const { fieldIds, tags, from, to } = query;
  return (
    fieldIds.includes(row.fieldId) &&
    tags.every((tag) => row.tags?.some((other) => other.equals(tag)) === true) &&
    (from === undefined || row.createdAt >= from) &&
    (to === undefined || row.createdAt < to)
  );
}

function compare(a: SearchPosition, b: SearchPosition): number {
  const byTime = a.createdAt.getTime() - b.createdAt.getTime();
  return byTime || (a.token < b.token ? -1 : Number(a.token > b.token));
}

function toFound({ token, fieldId, createdAt, expiresAt }: TokenTableRow): FoundToken {
  return { token, fieldId, createdAt, ...(expiresAt !== undefined && { expiresAt }) };
}

function usageOf(fieldId: number, strings: { space: number | undefined }[]): FieldUsage {
  const spaces = Map.groupBy(strings, ({ space }) => space);
  spaces.delete(undefined);
  const counts = [...spaces.values()].map(({ length }) => length);
  return { fieldId, used: strings.length, spaces: counts.length, fullest: Math.max(0, ...counts) };
}
