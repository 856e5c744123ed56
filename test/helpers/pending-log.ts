import assert from 'node:assert/strict';
import type { Pool } from 'pg';
import { decodeLeaves } from '../../src/adapters/postgres/audit/framing.ts';
import { type Batch, packBatch } from '../../src/adapters/postgres/audit/writer/batch.ts';
import { insertBatch } from '../../src/adapters/postgres/audit/writer/commit.ts';
import { makeEventTerms } from '../../src/adapters/postgres/audit/writer/terms.ts';
import { inTransaction } from '../../src/adapters/postgres/session.ts';
import type { Keysets } from '../../src/crypto/keysets.ts';
import { randomBytes } from '../../src/crypto/random.ts';
import type { AuditEvent } from '../../src/domain/audit/event.ts';
import { type Leaf, readLeaf } from '../../src/domain/audit/read-leaf.ts';
import { makeEdge } from '../../src/tlog/edge.ts';
import { hashLeaves } from '../../src/tlog/hash.ts';
import { withClient } from './database.ts';

/** A writer that is driven by hand: its batches are genuine, and stored when the test says so. */
export type HandWriter = {
  bootId: string;
  /** Makes the next batch without storing it. */
  pack(events: readonly AuditEvent[], atMs?: number): Promise<Batch>;
  /** Makes the next batch and stores it. */
  write(events: readonly AuditEvent[], atMs?: number): Promise<Batch>;
};

/** Makes a writer that has written nothing. */
export function makeHandWriter({ keysets, pool }: { keysets: Keysets; pool: Pool }): HandWriter {
  const bootId = randomBytes(16).toString('base64url');
  const eventTerms = makeEventTerms();
  let firstSeq = 0;
  const pack: HandWriter['pack'] = async (events, atMs = Date.now()) => {
    const { batch } = await packBatch(
      {
        keysets,
        eventTerms,
        random: randomBytes,
        clock: { now: () => atMs },
        vaultIdOf: () => undefined,
        logId: 1,
      },
      { bootId, firstSeq, events: events.map((event) => ({ event, atMs })) },
    );
    if (batch === undefined) throw new Error('no event could be packed');
    firstSeq += batch.count;
    return batch;
  };
  return {
    bootId,
    pack,
    write: async (events, atMs) => {
      const batch = await pack(events, atMs);
      await storeBatch(pool, batch);
      return batch;
    },
  };
}

/** Stores a batch as its writer does. */
export async function storeBatch(pool: Pool, batch: Batch): Promise<void> {
  assert.ok(await inTransaction(pool, (session) => insertBatch(session, batch)));
}

/** Changes tables behind every guard, as who owns the server can. */
export async function tamper(
  ownerUrl: string,
  text: string,
  values: unknown[] = [],
): Promise<void> {
  await withClient(ownerUrl, async (client) => {
    await client.query('set session_replication_role = replica');
    const { rowCount } = await client.query(text, values);
    assert.notEqual(rowCount, 0, 'nothing was changed');
  });
}

/** One shard as it lies in the database. */
export type StoredShard = { shard: string; state: string; size: number; leaves: Leaf[] };

/** All shards with their leaves, after a check that each is dense and has the root that it says. */
export function readShards(ownerUrl: string): Promise<StoredShard[]> {
  return withClient(ownerUrl, async (client) => {
    const shards = await client.query<{
      id: number;
      shard: string;
      state: string;
      size: string;
      root: Buffer;
    }>('select log_id as id, shard, state, size, root from audit_log order by log_id');
    const stored: StoredShard[] = [];
    for (const { id, shard, state, size, root } of shards.rows) {
      const segments = await client.query<{ first: string; n: number; leaves: Buffer }>(
        `select first_index as first, n, leaves from audit_segment where log_id = $1 order by 1`,
        [id],
      );
      const entries: Buffer[] = [];
      for (const { first, n, leaves } of segments.rows) {
        assert.equal(Number(first), entries.length, 'segments follow each other');
        entries.push(...decodeLeaves(leaves, n));
      }
      const edge = makeEdge();
      edge.append(hashLeaves(entries));
      assert.deepEqual(
        [edge.size(), edge.root()],
        [Number(size), root],
        'the root is that of the leaves',
      );
      stored.push({ shard, state, size: Number(size), leaves: entries.map(parseLeaf) });
    }
    return stored;
  });
}

function parseLeaf(bytes: Buffer): Leaf {
  const leaf = readLeaf(bytes);
  assert.ok(leaf, 'a leaf of the log cannot be read');
  return leaf;
}

/** Numbers of a writer that are in the log, ascending. */
export function numbersOf(leaves: readonly Leaf[], bootId: string): number[] {
  const own = leaves.flatMap(({ w }) => (w?.[0] === bootId ? [w[1]] : []));
  return own.sort((a, b) => a - b);
}

/** What the log says of a writer: its gaps and its end. */
export function saidOf(leaves: readonly Leaf[], bootId: string): unknown[] {
  return leaves
    .filter(({ op, attr }) => op.startsWith('audit.') && attr?.['boot'] === bootId)
    .map(({ op, attr }) => {
      const { boot: _, ...facts } = attr ?? {};
      return { op, ...facts };
    });
}
