import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Operations } from '../../operations/operation.ts';

/** Where the receipt of an event is. */
const receiptUrl = (eventId: string) => `/v1/audit/events/${eventId}/receipt`;

type Done = (error: null, payload: unknown) => void;

/**
 * `Prefer: audit=integrated` (RFC 7240): the answer, a refusal too, leaves when its event is under a published
 * checkpoint, and says where the receipt is. A preference is no demand: when the log takes too long, the
 * answer leaves as ever, without `Preference-Applied`.
 */
export function makePreferAudit(operations: Pick<Operations, 'auditPublished'>) {
  return (request: FastifyRequest, reply: FastifyReply, payload: unknown, done: Done): void => {
    const { auditReceipt } = request;
    if (auditReceipt === undefined || !prefersIntegrated(request.headers['prefer'])) {
      done(null, payload);
      return;
    }
    const release = (isPublished: boolean) => {
      if (isPublished) {
        reply.header('audit-receipt-url', receiptUrl(auditReceipt.eventId));
        reply.header('preference-applied', 'audit=integrated');
      }
      done(null, payload);
    };
    operations.auditPublished().then(release, () => release(false));
  };
}

/**
 * True when the first preference called `audit` has the value `integrated` (RFC 7240 §2: the first one counts,
 * names know no case, values may be quoted, parameters follow a semicolon). Other preferences are ignored. A
 * comma inside somebody's quoted value divides here, too: what can be gained by that is a wait.
 */
export function prefersIntegrated(header: string | string[] | undefined): boolean {
  if (header === undefined) return false;
  const preferences = [header].flat().join(',').split(',');
  for (const preference of preferences) {
    const [pair = ''] = preference.split(';', 1);
    const [name = '', value = ''] = pair.split('=', 2);
    if (name.trim().toLowerCase() === 'audit') {
      return /^\s*(?:integrated|"integrated")\s*$/.test(value);
    }
  }
  return false;
}
