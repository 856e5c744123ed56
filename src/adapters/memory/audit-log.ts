import type { AuditEvent } from '../../domain/audit/event.ts';
import { VaultError } from '../../domain/errors.ts';
import {
  type AuditLog,
  type AuditProgress,
  type Basis,
  OutdatedBasis,
} from '../../operations/ports/audit-log.ts';

/** The audit log in memory, for tests: what was appended can be read, and it can be made to fail. */
export type MemoryAuditLog = AuditLog &
  AuditProgress & {
    /** Everything that is "durable", oldest first. */
    readonly events: readonly (AuditEvent & { id: string })[];
    /** From now on every append fails, or works again. */
    setAvailable(available: boolean): void;
    /** From now on this much of a basis is over; without it, nothing ever is. */
    setOver(over: (basis: Basis) => Basis): void;
  };

/** Makes an empty log. Ids are running numbers in the form of real ones. */
export function makeMemoryAuditLog(): MemoryAuditLog {
  const events: (AuditEvent & { id: string })[] = [];
  let available = true;
  let overOf = (_basis: Basis): Basis => ({ policies: [], cached: [] });
  return {
    events,
    setAvailable(next) {
      available = next;
    },
    setOver(next) {
      overOf = next;
    },
    async append(event, basis) {
      if (!available) {
        throw new VaultError('audit_unavailable');
      }
      const eventId = String(events.length + 1).padStart(22, '0');
      events.push({ ...event, id: eventId });
      const over = basis && overOf(basis);
      if (over !== undefined && over.policies.length + over.cached.length > 0) {
        throw new OutdatedBasis(eventId, over);
      }
      return { eventId };
    },
    // There is no tree behind it, and so no way to one.
    reached: async () => true,
  };
}
