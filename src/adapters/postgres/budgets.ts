import type { Pool } from 'pg';
import type { BudgetStore } from '../../operations/ports/budget-store.ts';
import type { Clock } from '../../operations/ports/clock.ts';
import { untilCertain } from './certainty.ts';
import { runStatement, type Statement } from './session.ts';

// A holder's row is locked by its first conflict and read anew after that: what racing leases get adds up.
// A budget that was made smaller than what is spent of it gives nothing, and takes nothing back.
const WINDOW = `$5::bigint * interval '1 millisecond'`;
const IS_OVER = `b.window_start + ${WINDOW} <= statement_timestamp()`;
const GRANTED = `case when ${IS_OVER} then least($3::bigint, $4::bigint)
      else greatest(least($3::bigint, $4::bigint - b.used), 0) end`;

const LEASE = `
insert into budget_lease as b (vault_id, holder, window_start, used, granted)
values ($1, $2, statement_timestamp(), least($3::bigint, $4::bigint), least($3::bigint, $4::bigint))
on conflict (vault_id, holder) do update set
  window_start = case when ${IS_OVER} then statement_timestamp() else b.window_start end,
  used = case when ${IS_OVER} then 0 else b.used end + ${GRANTED},
  granted = ${GRANTED}
returning b.granted, ceil(extract(epoch from
  b.window_start + ${WINDOW} - statement_timestamp()) * 1000)::float8 as ends_in_ms`;

/**
 * Budgets in Postgres, by its clock. A lease that was lost on its way back stays spent, and a second one is
 * taken in its place.
 */
export function makeBudgetStore(deps: { pool: Pool; clock: Clock }): BudgetStore {
  return {
    async lease({ vaultId, holder, want, limit, windowMs }) {
      const lease: Statement = {
        name: 'budget-lease',
        text: LEASE,
        values: [vaultId, holder, want, limit, windowMs],
      };
      type Lease = { granted: number; ends_in_ms: number };
      const [leased] = await untilCertain(deps, {
        first: () => runStatement<Lease>(deps.pool, lease),
        again: (session) => session.rows<Lease>(lease),
      });
      return { granted: leased?.granted ?? 0, endsInMs: leased?.ends_in_ms ?? 0 };
    },
  };
}
