import type { Pool } from 'pg';
import type { FieldUsage, FoundToken, TokenSearch } from '../../operations/ports/token-search.ts';
import { readTwice } from './certainty.ts';
import { inTransaction, type Session } from './session.ts';
import { BY_TAG, BY_TIME, BY_TIME_WITH_TAGS, RAREST_TAG, USAGE } from './token-search-sql.ts';

/** Tokens with one tag that can all be read and sorted well within a statement's time. */
const RARE_TOKENS = 20_000;
/** What counting a whole vault may take. The driver waits longer, so that the server gives up first. */
const USAGE_TIMEOUT_MS = 120_000;

type Query = Parameters<TokenSearch['search']>[0];
type FoundRow = { token: string; field_id: number; created_at: Date; expires_at: Date | null };
type UsageRow = { field_id: number; used: number; spaces: number; fullest: number };

/** Search without values, and counts, over the tokens in Postgres. */
export function makeTokenSearch({ pool }: { pool: Pool }): TokenSearch {
  return {
    search: (query) =>
      readTwice(pool, async (session) => (await find(session, query)).map(toFound)),
    usage: (vaultId) =>
      inTransaction(pool, async (session) => {
        await session.rows({ text: `set local statement_timeout = ${USAGE_TIMEOUT_MS}` });
        const rows = await session.rows<UsageRow>({
          text: USAGE,
          values: [vaultId],
          query_timeout: 2 * USAGE_TIMEOUT_MS,
        });
        return rows.map(toUsage);
      }),
  };
}

/**
 * By the rarest of the tags when few tokens have it, else by time. The planner knows neither how many
 * have a tag that it has not met among the most common ones, nor how tags go together.
 */
async function find(session: Session, query: Query): Promise<FoundRow[]> {
  const { vaultId, fieldIds, limit, from, to, after, tags } = query;
  const values = [vaultId, fieldIds, limit, from, to, after?.createdAt, after?.token ?? ''];
  if (tags.length === 0) {
    return session.rows<FoundRow>({ text: BY_TIME, values });
  }
  const [rarest] = await session.rows<{ tag: Buffer; tokens: number }>({
    text: RAREST_TAG,
    values: [vaultId, tags, RARE_TOKENS],
  });
  if (rarest === undefined || rarest.tokens >= RARE_TOKENS) {
    return session.rows<FoundRow>({ text: BY_TIME_WITH_TAGS, values: [...values, tags] });
  }
  const others = tags.filter((tag) => !tag.equals(rarest.tag));
  return session.rows<FoundRow>({ text: BY_TAG, values: [...values, rarest.tag, others] });
}

function toFound(row: FoundRow): FoundToken {
  return {
    token: row.token,
    fieldId: row.field_id,
    createdAt: row.created_at,
    ...(row.expires_at !== null && { expiresAt: row.expires_at }),
  };
}

function toUsage({ field_id: fieldId, used, spaces, fullest }: UsageRow): FieldUsage {
  return { fieldId, used, spaces, fullest };
}
