import assert from 'node:assert/strict';
import type { Pool } from 'pg';
import { decodeLeaves } from '../../src/adapters/postgres/audit/framing.ts';
import {
  type AuditWriter,
  makeAuditWriter,
} from '../../src/adapters/postgres/audit/writer/writer.ts';
import { makePool } from '../../src/adapters/postgres/pool.ts';
import type { Keysets } from '../../src/crypto/keysets.ts';
import { randomBytes } from '../../src/crypto/random.ts';
import type { Leaf } from '../../src/domain/audit/read-leaf.ts';
import type { Clock } from '../../src/operations/ports/clock.ts';
import { realClock } from './clock.ts';
import { withClient } from './database.ts';
import { openKeysets } from './keysets.ts';

export type OpenAuditLog = {
  writer: AuditWriter;
  pool: Pool;
  keysets: Keysets;
  /** Stops the writer, then its pool. */
  close(): Promise<void>;
};

type Options = Pick<Parameters<typeof makeAuditWriter>[0], 'alarm' | 'limits' | 'nudge' | 'watch'>;

/** A real writer on a database, with keys. */
export async function openAuditLog(
  serviceUrl: string,
  { clock = realClock, ...options }: Options & { clock?: Clock } = {},
): Promise<OpenAuditLog> {
  const pool = makePool({ connectionString: serviceUrl, max: 3, name: 'test-audit' });
  const keysets = await openKeysets(pool);
  // Keys are unwrapped before the faults begin: a test is about the log.
  await keysets.privateCipher(0, clock.now());
  await keysets.auditTerm(clock.now());
  await keysets.auditMac();
  const writer = makeAuditWriter({
    pool,
    clock,
    keysets,
    random: randomBytes,
    vaultIdOf: () => undefined,
    logId: 1,
    ...options,
  });
  const close = async () => {
    await writer.close(5_000);
    await pool.end();
  };
  return { writer, pool, keysets, close };
}

/** All durable leaves, by writer and number. */
export function readLeaves(ownerUrl: string): Promise<{ boot: string; seq: number; leaf: Leaf }[]> {
  return withClient(ownerUrl, async (client) => {
    const { rows } = await client.query<{ boot: string; first: string; n: number; leaves: Buffer }>(
      `select encode(boot_id, 'hex') as boot, first_seq as first, n, leaves
       from audit_pending order by boot_id, first_seq`,
    );
    return rows.flatMap(({ boot, first, n, leaves }) =>
      decodeLeaves(leaves, n).map((bytes, index) => ({
        boot,
        seq: Number(first) + index,
        leaf: JSON.parse(bytes.toString()) as Leaf,
      })),
    );
  });
}

type Written = Awaited<ReturnType<typeof readLeaves>>;

/** The leaves of each writer, in order of their numbers. */
export async function leavesByWriter(ownerUrl: string): Promise<Written[]> {
  const byBoot = new Map<string, Written>();
  for (const written of await readLeaves(ownerUrl)) {
    byBoot.set(written.boot, [...(byBoot.get(written.boot) ?? []), written]);
  }
  return [...byBoot.values()];
}

/** Every writer's numbers run from 0 without a hole or a double. */
export async function assertGapFree(ownerUrl: string): Promise<void> {
  const writers = await leavesByWriter(ownerUrl);
  assert.ok(writers.length > 0);
  for (const written of writers) {
    assert.deepEqual(
      written.map(({ seq }) => seq),
      written.map((_, index) => index),
    );
    assert.equal(written[0]?.leaf.op, 'audit.writer.start');
    assert.ok(written.every(({ leaf, seq }) => leaf.w?.[1] === seq));
  }
}
