import type { Source } from '../domain/access/principal.ts';
import type { AuditLog } from './ports/audit-log.ts';

const WINDOW_MS = 60_000;
/** Sources told apart in one window; a flood from more is counted under one heading. */
const MAX_SOURCES = 10_000;
const OTHERS = 'others';

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

  const flush = async (): Promise<void> => {
    const window = counts;
    counts = new Map();
    const writes = [...window].map(async ([ip, failures]) => {
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
      } catch {
        count(ip, failures);
      }
    });
    await Promise.all(writes);
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
