import type { AuditReceipt } from '../domain/audit/event.ts';
import type { Caller } from './call.ts';
import type { AuditLog } from './ports/audit-log.ts';
import type { Clock } from './ports/clock.ts';
import { type Reading, readingEvent } from './steps/audited-reading.ts';

const WINDOW_MS = 60_000;

/** One caller's minute: the event that its reads rely on, and how many came after the first. */
type Window = {
  caller: Caller;
  reading: Reading;
  endsAtMs: number;
  receipt: Promise<AuditReceipt>;
  more: number;
};

/** Puts reads of entry bundles on record. */
export type EntryReads = {
  /**
   * The proof that this read may be answered by. The first read of a caller, source and shard in a minute is
   * written before it resolves, and serves those of the same minute; these are counted.
   */
  record(caller: Caller, reading: Reading): Promise<AuditReceipt>;
  /** Writes what is counted so far and stops; call before the audit log closes. */
  close(): Promise<void>;
};

/**
 * Makes the counter of entry reads (AUDIT-LOG, "Decisions": tile reads per principal and minute). When the
 * minute is over, the reads after the first become one event with their count; counts that cannot be
 * written are kept. A crash loses that count, but never the fact that the caller was reading.
 */
export function makeEntryReads({ audit, clock }: { audit: AuditLog; clock: Clock }): EntryReads {
  const windows = new Map<string, Window>();

  const open = (key: string, caller: Caller, reading: Reading): Window => {
    const receipt = audit.append(readingEvent(caller, reading, 'allowed'));
    const endsAtMs = clock.monotonic() + WINDOW_MS;
    const window = { caller, reading, endsAtMs, receipt, more: 0 };
    windows.set(key, window);
    // What is not on record serves nobody: the next read tries again, and takes what was counted along.
    receipt.catch(() => {
      window.endsAtMs = Number.NEGATIVE_INFINITY;
    });
    return window;
  };

  /** Ends a window and writes its count. One that cannot be written goes to the next window, or waits. */
  const retire = async (key: string, window: Window): Promise<void> => {
    const count = window.more;
    windows.delete(key);
    if (count === 0) return;
    try {
      await audit.append({ ...readingEvent(window.caller, window.reading, 'allowed'), count });
    } catch {
      const heir = windows.get(key) ?? { ...window, more: 0 };
      heir.more += count;
      windows.set(key, heir);
    }
  };

  const retireAll = async (isOver: (window: Window) => boolean): Promise<void> => {
    const over = [...windows].filter(([, window]) => isOver(window));
    await Promise.all(over.map(([key, window]) => retire(key, window)));
  };

  const isPast = ({ endsAtMs }: Window) => clock.monotonic() >= endsAtMs;
  const timer = setInterval(() => void retireAll(isPast), WINDOW_MS / 4);
  timer.unref();

  return {
    async record(caller, reading) {
      const key = keyOf(caller, reading);
      const window = windows.get(key);
      if (window === undefined) return open(key, caller, reading).receipt;
      if (isPast(window)) {
        // Behind the answer, which the new window's own event vouches for.
        void retire(key, window);
        return open(key, caller, reading).receipt;
      }
      window.more += 1;
      return window.receipt;
    },
    async close() {
      clearInterval(timer);
      await retireAll(() => true);
    },
  };
}

function keyOf({ principal, source }: Caller, { query }: Reading): string {
  const { issuer, subject, credential } = principal;
  return JSON.stringify([issuer, subject, credential, source.ip, query]);
}
