import { eventTerm } from '../../../../crypto/audit-term.ts';
import { readLeaf } from '../../../../domain/audit/read-leaf.ts';
import type { StoredEvent } from '../../../../operations/ports/audit-reader.ts';
import type { Session } from '../../session.ts';
import type { Int8 } from './rows.ts';
import { readEvents } from './slices.ts';

const EVENT_ID = /^[\w-]{22}$/;
/** Ids are random: even two events with one term do not occur by chance. */
const MAX_CANDIDATES = 16;

const CANDIDATES = `
select term.log_id, term.segment, place::int
from audit_term term
join audit_log log on log.log_id = term.log_id
cross join unnest(term.positions) as place
where term.term = $1 and term.segment + place >= log.min_index
order by term.log_id desc, term.segment desc limit $2`;

/** The event with this id, looked up by its first 64 bits and checked against its leaf. */
export async function findStoredEvent(
  session: Session,
  eventId: string,
): Promise<StoredEvent | undefined> {
  if (!EVENT_ID.test(eventId)) {
    return undefined;
  }
  const rows = await session.rows<{ log_id: number; segment: Int8; place: number }>({
    name: 'audit-find-event',
    text: CANDIDATES,
    values: [eventTerm(eventId), MAX_CANDIDATES],
  });
  for (const { log_id, segment, place } of rows) {
    const run = { segment: Number(segment), from: place, to: place + 1 };
    const [event] = await readEvents(session, log_id, [run]);
    if (event !== undefined && readLeaf(event.leaf)?.id === eventId) {
      return event;
    }
  }
  return undefined;
}
