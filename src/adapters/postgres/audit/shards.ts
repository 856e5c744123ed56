import type { Pool } from 'pg';
import type { RandomBytes } from '../../../crypto/random.ts';
import { readLeaf } from '../../../domain/audit/read-leaf.ts';
import { VaultError } from '../../../domain/errors.ts';
import { type Edge, makeEdge } from '../../../tlog/edge.ts';
import { emptyRoot } from '../../../tlog/hash.ts';
import { inTransaction, runStatement, type Session } from '../session.ts';
import { decodeLeaves } from './framing.ts';
import { type LogStatement, makeLogLeaf } from './log-leaf.ts';
import { appendSegment } from './segment.ts';
import { type LockedShard, lockShard } from './shard-lock.ts';

/** The shard that takes events now. */
export type ActiveShard = { logId: number; shard: string; origin: string };

/** A tree that somebody may have seen: which log, how many leaves, what root. */
export type TreeHead = { origin: string; size: number; root: Buffer };

export type OpenShardInput = {
  /** Origin of the log without the shard: `vault.example.com/audit`. */
  baseOrigin: string;
  /** UTC year that the shard is for. */
  year: number;
  /** The shard that the caller saw active, and that this one follows; `undefined`: it saw none. */
  replaces: number | undefined;
  /**
   * The database went backwards: this head was signed, and the database knows nothing of it. The old
   * shard is then left as it is, without a last leaf: nothing more may be signed of it.
   */
  rolledBackTo?: TreeHead | undefined;
  /** Verifier keys of the shard with this origin. */
  vkeysOf: (origin: string) => Promise<readonly string[]>;
  /** Time of the leaves. */
  atMs: number;
  random: RandomBytes;
};

/** Writers that `log.open` names at most: a leaf has an end. Those seen last come first. */
const MAX_WRITERS = 1_000;

const NAME = /^(\d{4})(?:-(\d{1,3}))?$/;

/** The shard that takes events now, if there is one. */
export async function findActiveShard(pool: Pool): Promise<ActiveShard | undefined> {
  const [row] = await runStatement<{ log_id: number; shard: string; origin: string }>(pool, {
    name: 'audit-active-shard',
    text: `select log_id, shard, origin from audit_log where state = 'active'`,
  });
  return row && { logId: row.log_id, shard: row.shard, origin: row.origin };
}

/** The year that a shard was opened for. */
export function yearOf(shard: string): number {
  return Number(shard.slice(0, 4));
}

/**
 * Opens a shard in one transaction: the last leaf of the old one (`log.freeze`), its end, and the first
 * leaf of the new one (`log.open`), which cites the old. Safe in any race: `undefined` says that another
 * instance has the lock or was faster, and nothing happened; look again, and ask again if it is still
 * needed. Rejects with `store_unavailable`, or `internal` when the old shard's head was altered.
 */
export async function openShard(
  { pool }: { pool: Pool },
  input: OpenShardInput,
): Promise<ActiveShard | undefined> {
  const shard = await nextName(pool, input);
  const origin = `${input.baseOrigin}/${shard}`;
  // Before the transaction: it may take its time, and nobody else can append meanwhile.
  const vkeys = await input.vkeysOf(origin);
  const beaten = new VaultError('store_unavailable', { detail: 'another instance was faster' });
  try {
    return await inTransaction(pool, async (session) => {
      const held = await lockShard(session);
      if (held?.logId !== input.replaces) {
        throw beaten;
      }
      const previous = input.rolledBackTo ?? (held && (await freeze(session, held, input)));
      const logId = await insertShard(session, { previous: held?.logId, shard, origin });
      if (logId === undefined) {
        // Rolls the freeze leaf back.
        throw beaten;
      }
      const attributes = {
        origin,
        vkeys,
        previous: previous && describeHead(previous),
        rollback: input.rolledBackTo && describeDatabase(held),
        writers: await openWriters(session),
      };
      await append(session, { logId, edge: makeEdge() }, input, {
        operation: 'log.open',
        attributes,
      });
      return { logId, shard, origin };
    });
  } catch (error) {
    if (error === beaten) {
      return undefined;
    }
    throw error;
  }
}

/**
 * Sees to it that the log itself names these verifier keys of the active shard: one `log.key` leaf for
 * each that stands neither in its `log.open` nor in a `log.key`. False: another instance has the lock, or
 * the shard is no longer active; ask again.
 */
export function announceKeys(
  { pool }: { pool: Pool },
  input: { logId: number; vkeys: readonly string[]; atMs: number; random: RandomBytes },
): Promise<boolean> {
  return inTransaction(pool, async (session) => {
    const held = await lockShard(session);
    if (held === undefined || held.logId !== input.logId) {
      return false;
    }
    const known = await announcedKeys(session, input.logId);
    const missing = input.vkeys.filter((vkey) => !known.has(vkey));
    if (missing.length > 0) {
      const statements = missing.map((vkey) => ({
        operation: 'log.key' as const,
        attributes: { vkey },
      }));
      await append(session, { logId: held.logId, edge: edgeOf(held) }, input, ...statements);
    }
    return true;
  });
}

/**
 * The next free name of the year. Never the name of a shard that was signed, even when the database no
 * longer knows of it: one origin with two trees is what a split view looks like.
 */
async function nextName(pool: Pool, input: OpenShardInput): Promise<string> {
  const rows = await runStatement<{ shard: string }>(pool, { text: 'select shard from audit_log' });
  const { baseOrigin, rolledBackTo } = input;
  const signed = rolledBackTo?.origin.startsWith(`${baseOrigin}/`)
    ? [rolledBackTo.origin.slice(baseOrigin.length + 1)]
    : [];
  const used = [...rows.map(({ shard }) => shard), ...signed].flatMap((name) => {
    const [, year, number = '1'] = NAME.exec(name) ?? [];
    return year === undefined ? [] : [{ year: Number(year), number: Number(number) }];
  });
  // Names only go forward, also when the clock does not.
  const year = Math.max(input.year, ...used.map((name) => name.year));
  const number = 1 + Math.max(0, ...used.filter((n) => n.year === year).map((n) => n.number));
  return number === 1 ? String(year) : `${year}-${number}`;
}

/** Appends the last leaf of a shard, and returns the head that it has by then. */
async function freeze(
  session: Session,
  held: LockedShard,
  input: OpenShardInput,
): Promise<TreeHead> {
  const edge = edgeOf(held);
  const { origin, logId, size } = held;
  await append(session, { logId, edge }, input, {
    operation: 'log.freeze',
    // Of the whole shard, this leaf included.
    attributes: { size: size + 1 },
  });
  return { origin, size: edge.size(), root: edge.root() };
}

async function insertShard(
  session: Session,
  shard: { previous: number | undefined; shard: string; origin: string },
): Promise<number | undefined> {
  const [row] = await session.rows<{ id: number | null }>({
    text: 'select audit_open($1, $2, $3, $4) as id',
    values: [shard.previous, shard.shard, shard.origin, emptyRoot()],
  });
  return row?.id ?? undefined;
}

/** Where each writer stands: what an auditor of the new shard begins to count from. */
async function openWriters(session: Session): Promise<Record<string, number>> {
  const rows = await session.rows<{ boot_id: Buffer; next_seq: string }>({
    text: `select boot_id, next_seq from audit_writer where not closed
      order by last_seen desc limit $1`,
    values: [MAX_WRITERS],
  });
  return Object.fromEntries(
    rows.map((row) => [row.boot_id.toString('base64url'), Number(row.next_seq)]),
  );
}

async function announcedKeys(session: Session, logId: number): Promise<ReadonlySet<unknown>> {
  const rows = await session.rows<{ n: number; leaves: Buffer }>({
    text: `select n, leaves from audit_segment
      where log_id = $1 and facets && array['op:log.open', 'op:log.key']`,
    values: [logId],
  });
  const known = new Set<unknown>();
  for (const { n, leaves } of rows) {
    for (const bytes of decodeLeaves(leaves, n)) {
      for (const vkey of keysIn(bytes)) known.add(vkey);
    }
  }
  return known;
}

function keysIn(bytes: Buffer): unknown[] {
  const leaf = readLeaf(bytes);
  if (leaf?.op === 'log.key') {
    return [leaf.attr?.['vkey']];
  }
  const vkeys = leaf?.op === 'log.open' ? leaf.attr?.['vkeys'] : undefined;
  return Array.isArray(vkeys) ? vkeys : [];
}

async function append(
  session: Session,
  { logId, edge }: { logId: number; edge: Edge },
  { atMs, random }: { atMs: number; random: RandomBytes },
  ...statements: LogStatement[]
): Promise<void> {
  const events = statements.map((statement) => makeLogLeaf(statement, { atMs, random }));
  await appendSegment(session, { logId, edge, events, writers: [] });
}

function edgeOf({ edge }: LockedShard): Edge {
  if (edge === undefined) {
    throw new VaultError('internal', { detail: 'the head of the audit log was altered' });
  }
  return edge;
}

const describeHead = ({ origin, size, root }: TreeHead) => ({
  origin,
  size,
  root: root.toString('base64'),
});

/** What the database held after it went backwards; an empty tree when it knew of no shard. */
const describeDatabase = (held: LockedShard | undefined) =>
  held === undefined ? { size: 0, root: emptyRoot().toString('base64') } : describeHead(held);
