import { setImmediate as nextTurn } from 'node:timers/promises';
import { openCursor, sealCursor } from '../crypto/audit-cursor.ts';
import { monthOf } from '../crypto/private-cipher.ts';
import type { EventView } from '../domain/audit/event-view.ts';
import { canonicalJson } from '../domain/audit/jcs.ts';
import { VaultError } from '../domain/errors.ts';
import type { AuditFilter, AuditOperations, AuditSearchInput } from './audit-operations.ts';
import type { Caller } from './call.ts';
import type { LogPosition, Shard, StoredEvent } from './ports/audit-reader.ts';
import type { AuditDeps } from './steps/audit-deps.ts';
import { type PreparedFilter, prepareFilter } from './steps/audit-filter.ts';
import { queryOnRecord } from './steps/audit-query.ts';
import { type AuditScope, auditScope, auditScopeOf } from './steps/audit-scope.ts';
import { auditedReading, type Reading } from './steps/audited-reading.ts';
import { openStored, READ_YOUR_WRITES_MS, readStored, viewStored } from './steps/stored-events.ts';

const DEFAULT_LIMIT = 50;
const MAX_CANDIDATES_ASKED = 1_000;
/** Candidates that one page may cost; then it ends early, with a cursor. */
const MAX_CANDIDATES = 5_000;
/** Their disclosures together: an event of a thousand tokens is 90 KB, and ten times that when it is opened. */
const MAX_BYTES = 16 * 1024 * 1024;
/** Questions to the index that one page may cost. */
const MAX_ROUNDS = 12;
/** Opening disclosures is work without a pause: other requests get their turn after this many. */
const TURN = 64;

/**
 * Finds events, newest first, in the vaults that the caller may read. Their own writes are among them, unless
 * the log is slower than 2 s. The criteria go on record; see `queryOnRecord`.
 */
export function makeAuditSearch(deps: AuditDeps): AuditOperations['auditSearch'] {
  return (caller, input) =>
    auditedReading(deps, { caller, operation: 'audit.search' }, async (reading) => {
      const { limit = DEFAULT_LIMIT, cursor, ...filter } = input;
      const scope = await admit(deps, { caller, input, reading });
      const search = await prepareFilter(deps, filter, scope);
      const keys = await cursorKeys(deps);
      const binding = bindingOf(caller, filter);
      const before =
        cursor === undefined
          ? undefined
          : openCursor([keys.current, ...keys.living], binding, cursor);
      await deps.progress.reached('integrated', READ_YOUR_WRITES_MS);
      const { events, next } = await findPage(deps, search, { limit, before });
      reading.items = events.length;
      return next === undefined
        ? { events }
        : { events, cursor: sealCursor(keys.current, binding, next) };
    });
}

/** Decides whose events are searched, and notes what is asked. */
async function admit(
  deps: AuditDeps,
  ask: { caller: Caller; input: AuditSearchInput; reading: Reading },
): Promise<AuditScope> {
  const { caller, reading } = ask;
  const { cursor, ...asked } = ask.input;
  if (asked.subject !== undefined && asked.vault === undefined) {
    throw new VaultError('invalid_request', {
      problems: [{ path: '/subject', rule: 'needs_vault' }],
    });
  }
  const scope =
    asked.vault === undefined ? auditScope(deps, caller) : auditScopeOf(deps, caller, asked.vault);
  const [vault] = scope.vaults;
  if (asked.vault !== undefined && vault !== undefined) reading.vault = vault;
  reading.query = await queryOnRecord(deps, asked, scope);
  if (cursor !== undefined) reading.query['continued'] = true;
  return scope;
}

/** The key that cursors are sealed with now, and those that older ones may have been sealed with. */
async function cursorKeys({ auditKeys, clock }: AuditDeps) {
  const atMs = clock.now();
  const current = { month: monthOf(atMs), key: await auditKeys.auditTerm(atMs) };
  return { current, living: await auditKeys.auditTerms() };
}

/** What a cursor is bound to: who searches, and for what. */
function bindingOf({ principal }: Caller, filter: AuditFilter): string {
  return canonicalJson({ issuer: principal.issuer, subject: principal.subject, filter });
}

/** Asks the index until the page is full, there is no more, or it has cost enough. */
async function findPage(
  deps: AuditDeps,
  search: PreparedFilter,
  { limit, before }: { limit: number; before: LogPosition | undefined },
): Promise<{ events: EventView[]; next?: LogPosition }> {
  if (!search.canMatch) return { events: [] };
  const shards = await deps.reader.shards();
  const events: EventView[] = [];
  let place = before;
  let asked = limit;
  let [candidates, bytes] = [0, 0];
  const isSpent = () => candidates >= MAX_CANDIDATES || bytes >= MAX_BYTES;
  for (let round = 0; round < MAX_ROUNDS && !isSpent(); round += 1) {
    const page = await deps.reader.search({ ...search.ask, before: place, limit: asked });
    const room = limit - events.length;
    const found = await takeMatches(deps, { search, shards, page: page.events, room });
    events.push(...found.events);
    place = found.last ?? page.next;
    if (place === undefined || events.length === limit) break;
    candidates += page.events.length;
    bytes += page.events.reduce((sum, { what }) => sum + what.sealed.length, 0);
    asked = Math.min(MAX_CANDIDATES_ASKED, asked * 2);
  }
  return place === undefined ? { events } : { events, next: place };
}

/**
 * Opens candidates in order and keeps those that match. `last`: the hit that filled the page, when candidates
 * follow it; they belong to the next page.
 */
async function takeMatches(
  deps: AuditDeps,
  ask: {
    search: PreparedFilter;
    shards: readonly Shard[];
    page: readonly StoredEvent[];
    room: number;
  },
): Promise<{ events: EventView[]; last?: LogPosition }> {
  const { search, shards, page, room } = ask;
  const events: EventView[] = [];
  for (const [count, stored] of page.entries()) {
    if (events.length === room) return { events, last: placeOf(page[count - 1] ?? stored) };
    if (count % TURN === TURN - 1) await nextTurn();
    const read = readStored(stored);
    if (!search.admits(read.leaf)) continue;
    const event = viewStored(shards, await openStored(deps, read));
    if (search.matches(event)) events.push(event);
  }
  return { events };
}

const placeOf = ({ logId, index }: StoredEvent): LogPosition => ({ logId, index });
