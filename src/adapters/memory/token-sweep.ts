import type { TokenSweep } from '../../operations/ports/token-sweep.ts';
import { ANSWER_LIFE_MS, endRow, isLive, type TokenTables, tokenName } from './token-tables.ts';

/** Deletion of dead rows from the tables of the token store in memory, for tests. */
export function makeMemoryTokenSweep(clock: { now(): number }, tables: TokenTables): TokenSweep {
  const isDead = (row: Parameters<typeof isLive>[0]) => !isLive(row, clock.now());
  return {
    findDead: async ({ limit, withoutKeys }) =>
      [...tables.rows.values()]
        .filter((row) => isDead(row) && (!row.small || !withoutKeys.includes(row.vaultId)))
        .sort((a, b) => endOf(a, clock) - endOf(b, clock))
        .slice(0, limit)
        .map(({ shard, vaultId, token, small }) => ({
          shard,
          vaultId,
          token,
          isSmall: small !== undefined,
        })),
    async bury(keys) {
      let buried = 0;
      for (const { tombstone, ...key } of keys) {
        const row = tables.rows.get(tokenName(key));
        if (row !== undefined && isDead(row) && (row.small === undefined || tombstone)) {
          endRow(tables, row, tombstone);
          buried += 1;
        }
      }
      return buried;
    },
    async forget({ revocationMs }) {
      const answers = [...tables.answers].filter(([, { atMs }]) => isOlder(atMs, ANSWER_LIFE_MS));
      const revoked = [...tables.revoked].filter(([, atMs]) => isOlder(atMs, revocationMs));
      for (const [name] of answers) tables.answers.delete(name);
      for (const [name] of revoked) tables.revoked.delete(name);
      return answers.length + revoked.length;
    },
  };

  function isOlder(atMs: number, lifeMs: number): boolean {
    return atMs < clock.now() - lifeMs;
  }
}

/** Expired rows in the order in which they died; of others nobody knows when. */
function endOf({ expiresAt }: { expiresAt?: Date }, clock: { now(): number }): number {
  const endMs = expiresAt?.getTime() ?? Number.POSITIVE_INFINITY;
  return endMs > clock.now() ? Number.MAX_SAFE_INTEGER : endMs;
}
