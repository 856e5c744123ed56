import type { Source } from '../domain/access/principal.ts';
import type { AuditLog } from './ports/audit-log.ts';

const WINDOW_MS = 60_000;
/** Sources told apart in one window; a flood from more is counted under one heading. */
const MAX_SOURCES = 10_000;
const OTHERS = 'others';
/**
 * Events on their way to the log at once. Strangers with many addresses (one IPv6 network has more than
 * enough) must not fill the queue that callers with a credential wait in.
 */
const MAX_AT_ONCE = 32;

/**
 * Counts unauthenticated failures per source address and writes one event per source and minute
 * (AUDIT-LOG §4.11): a flood of bad credentials must not fill the log, nor go unseen. The event is
 * written behind the answer, which carries no data. Counts that cannot be written are kept.
 */
export function makeAuthFailures({ audit }: { audit: AuditLog }) {
  let counts = new Map<string, number>();

  const count = (ip: string, failures: number) => {
    const heading = counts.has(ip) || counts.size < MAX_SOURCES ? ip : OTHERS;
    counts.set(heading, (counts.get(heading) ?? 0) + failures);
  };

  /** True when the event is durable; else the count is kept. */
  const write = async ([ip, failures]: [string, number]): Promise<boolean> => {
    try {
      await audit.append({
        operation: 'auth.fail',
        outcome: 'deny',
        status: 401,
        reason: 'unauthenticated',
        items: 0,
        count: failures,
        who: ip === OTHERS ? {} : { source: { ip } },
        what: {},
      });
      return true;
    } catch {
      count(ip, failures);
      return false;
    }
  };

  const flush = async (): Promise<void> => {
    const window = counts;
    counts = new Map();
    const entries = window.entries();
    const writeInTurn = async () => {
      // Each failure takes seconds, and the next one would fail, too: the rest waits for the next minute.
      for (const entry of entries) if (!(await write(entry))) break;
    };
    await Promise.all(Array.from({ length: MAX_AT_ONCE }, writeInTurn));
    for (const [ip, failures] of entries) count(ip, failures);
  };

  const timer = setInterval(() => void flush(), WINDOW_MS);
  timer.unref();
  return {
    record: ({ ip }: Source) => count(ip, 1),
    /** Writes what is counted so far and stops; call before the audit log closes. */
    async close(): Promise<void> {
      clearInterval(timer);
      await flush();
    },
  };
}
