// Looks at a log as it lies in the database, from outside of everything that made it.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from 'pg';
import { decodeLeaves } from '../../src/adapters/postgres/audit/framing.ts';
import { makeAuditReader } from '../../src/adapters/postgres/audit/reader/reader.ts';
import { makePool } from '../../src/adapters/postgres/pool.ts';
import { makeLogSigner } from '../../src/crypto/log-signer.ts';
import { type Leaf, readLeaf } from '../../src/domain/audit/read-leaf.ts';
import { openCheckpoint } from '../../src/tlog/checkpoint.ts';
import { makeEdge } from '../../src/tlog/edge.ts';
import { HASH_BYTES, hashLeaves } from '../../src/tlog/hash.ts';
import { parsePolicy } from '../../src/tlog/parse-policy.ts';
import { parseVerifierKey } from '../../src/tlog/verifier-key.ts';
import type { Report } from '../../src/verify/report.ts';
import type { LogSource } from '../../src/verify/source.ts';
import { verifyLog } from '../../src/verify/verify-log.ts';
import { withClient } from '../helpers/database.ts';
import { openKeysets } from '../helpers/keysets.ts';

const WAIT_MS = 60_000;

/** A signed or claimed state of the tree. */
type Head = { size: number; root: Buffer };

/** One shard: its leaves, and what was published of it. */
export type WholeShard = {
  shard: string;
  origin: string;
  state: string;
  size: number;
  vkey: string;
  leaves: Leaf[];
  /** Published, by size; their signatures hold. */
  checkpoints: (Head & { note: string })[];
  /** Throws unless this was the tree once. */
  assertPrefix(head: Head): void;
  /** What a verifier finds out about its last checkpoint. */
  verify(): Promise<Report>;
};

type ShardRow = {
  id: number;
  shard: string;
  origin: string;
  state: string;
  size: string;
  root: Buffer;
};

type Database = { ownerUrl: string; serviceUrl: string };

/**
 * All shards of one moment, oldest first, after a check that each is dense and has the root of its leaves.
 * Instances may be at work on them.
 */
export async function readWholeLog(database: Database): Promise<WholeShard[]> {
  const pool = makePool({ connectionString: database.serviceUrl, max: 2, name: 'test-log' });
  try {
    const { vkeysOf } = makeLogSigner({ keysets: await openKeysets(pool), sources: ['keyring'] });
    return await withClient(database.ownerUrl, async (snapshot) => {
      await snapshot.query('begin isolation level repeatable read read only');
      const { rows } = await snapshot.query<ShardRow>(
        'select log_id as id, shard, origin, state, size, root from audit_log order by log_id',
      );
      const shards: WholeShard[] = [];
      for (const row of rows) {
        const [vkey = ''] = await vkeysOf(row.origin);
        const stored = await readShard(snapshot, { row, vkey });
        shards.push({ ...stored, verify: () => verify(database, { id: row.id, vkey }) });
      }
      return shards;
    });
  } finally {
    await pool.end();
  }
}

async function readShard(
  snapshot: Client,
  { row, vkey }: { row: ShardRow; vkey: string },
): Promise<Omit<WholeShard, 'verify'>> {
  const { id, shard, origin, state } = row;
  const size = Number(row.size);
  const entries = await readEntries(snapshot, id);
  assert.equal(entries.length, size, 'the tree is dense');
  const hashes = hashLeaves(entries);
  const assertPrefix = (head: Head) => {
    const edge = makeEdge();
    edge.append(hashes.subarray(0, head.size * HASH_BYTES));
    assert.deepEqual([edge.size(), edge.root()], [head.size, head.root], 'a state of the tree');
  };
  assertPrefix({ size, root: row.root });
  const log = [parseVerifierKey(vkey)];
  const { rows } = await snapshot.query<{ note: string }>(
    'select note from audit_checkpoint where log_id = $1 order by size',
    [id],
  );
  const checkpoints = rows.map(({ note }) => ({
    ...openCheckpoint({ note, origin, log }).checkpoint,
    note,
  }));
  for (const checkpoint of checkpoints) assertPrefix(checkpoint);
  return {
    ...{ shard, origin, state, size, vkey, checkpoints, assertPrefix },
    leaves: entries.map(parseLeaf),
  };
}

async function readEntries(snapshot: Client, id: number): Promise<Buffer[]> {
  const { rows } = await snapshot.query<{ first: string; n: number; leaves: Buffer }>(
    'select first_index as first, n, leaves from audit_segment where log_id = $1 order by 1',
    [id],
  );
  const entries: Buffer[] = [];
  for (const { first, n, leaves } of rows) {
    assert.equal(Number(first), entries.length, 'segments follow each other');
    entries.push(...decodeLeaves(leaves, n));
  }
  return entries;
}

/** From the stored tiles and bundles, as an auditor gets them. */
async function verify(
  { serviceUrl }: Database,
  { id, vkey }: { id: number; vkey: string },
): Promise<Report> {
  const pool = makePool({ connectionString: serviceUrl, max: 1, name: 'test-log' });
  const reader = makeAuditReader({ pool });
  const source: LogSource = {
    checkpoint: async () => (await reader.checkpoint(id))?.note,
    tile: (tile) => reader.tile(id, tile),
    bundle: (bundle) => reader.bundle(id, bundle),
  };
  try {
    return await verifyLog(source, { policy: parsePolicy(`log ${vkey}\nquorum none\n`) });
  } finally {
    await pool.end();
  }
}

const BEHIND = `
select
  (select count(*)::int from audit_pending p left join audit_writer w using (boot_id)
    where p.first_seq >= coalesce(w.next_seq, 0)) as pending,
  (select count(*)::int from audit_log l where l.state = 'active' and l.size is distinct from
    (select max(c.size) from audit_checkpoint c where c.log_id = l.log_id)) as unpublished`;

/** Waits until all that is durable is in the tree. */
export async function waitUntilIntegrated(ownerUrl: string): Promise<void> {
  await waitFor('everything is in the tree', async () => {
    const { rows } = await withClient(ownerUrl, (owner) => owner.query(BEHIND));
    return rows[0].pending === 0;
  });
}

/** Waits until all that is durable is in the tree, and all of the tree under a published checkpoint. */
export async function waitUntilPublished(ownerUrl: string): Promise<void> {
  await waitFor('everything is in the tree and published', async () => {
    const { rows } = await withClient(ownerUrl, (owner) => owner.query(BEHIND));
    return rows[0].pending === 0 && rows[0].unpublished === 0;
  });
}

/** Looks several times a second; fails when it has not come true within a minute, or `withinMs`. */
export async function waitFor(
  what: string,
  isTrue: () => boolean | Promise<boolean>,
  withinMs: number = WAIT_MS,
): Promise<void> {
  const giveUpAtMs = performance.now() + withinMs;
  while (!(await isTrue())) {
    assert.ok(performance.now() < giveUpAtMs, `waited in vain until ${what}`);
    await sleep(100);
  }
}

/** Every event of these is in the log, once. */
export function assertLogged(shards: readonly WholeShard[], eventIds: Iterable<string>): void {
  const times = new Map<string, number>();
  for (const { id } of shards.flatMap(({ leaves }) => leaves)) {
    times.set(id, (times.get(id) ?? 0) + 1);
  }
  const wrong = [...eventIds].filter((id) => times.get(id) !== 1);
  assert.deepEqual(wrong, [], 'acknowledged, and not in the log exactly once');
}

/** What the log says about itself: gaps, writers that it gave up. */
export function saidBy(shards: readonly WholeShard[], op: string): Leaf[] {
  return shards.flatMap(({ leaves }) => leaves.filter((leaf) => leaf.op === op));
}

function parseLeaf(bytes: Buffer): Leaf {
  const leaf = readLeaf(bytes);
  assert.ok(leaf, 'a leaf of the log can be read');
  return leaf;
}
