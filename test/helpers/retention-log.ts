import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool } from 'pg';
import {
  decodeLeaves,
  decodeSealed,
  decodeTerms,
} from '../../src/adapters/postgres/audit/framing.ts';
import { makeAuditReader } from '../../src/adapters/postgres/audit/reader/reader.ts';
import { appendSegment, type SequencedEvent } from '../../src/adapters/postgres/audit/segment.ts';
import { makePool } from '../../src/adapters/postgres/pool.ts';
import { inTransaction, runStatement } from '../../src/adapters/postgres/session.ts';
import { type Operator, withOperator } from '../../src/app/audit/operator.ts';
import type { Keysets } from '../../src/crypto/keysets.ts';
import { openDisclosure } from '../../src/crypto/open-disclosure.ts';
import { readLeaf } from '../../src/domain/audit/read-leaf.ts';
import { logFiles } from '../../src/operations/export/log-files.ts';
import type { AuditReader, StoredEvent } from '../../src/operations/ports/audit-reader.ts';
import { signCheckpoint } from '../../src/tlog/checkpoint.ts';
import {
  generateSigningKey,
  makeNoteSigner,
  parseSigningKey,
  type Signer,
} from '../../src/tlog/signing-key.ts';
import { createTestDatabase, type TestDatabase, withClient } from './database.ts';
import { type FilledLog, openFilledLog } from './filled-log.ts';
import { openKeysets } from './keysets.ts';

const ORIGIN = 'log.test/audit/2026';

/** A log with one shard from which things are taken, and a stand-in for the services that sequence. */
export type RetentionLog = {
  database: TestDatabase;
  pool: Pool;
  keysets: Keysets;
  reader: AuditReader;
  log: FilledLog;
  /** Runs an operator's work while everything pending is put into the tree. */
  operate<T>(work: (operator: Operator) => Promise<T>): Promise<T>;
  /** Publishes a checkpoint of the whole tree. */
  publish(): Promise<number>;
  /** A static export of the published tree in a new folder. */
  writeArchive(): Promise<string>;
  sql(text: string, values?: unknown[]): Promise<Record<string, unknown>[]>;
  close(): Promise<void>;
};

/** Opens it on a database of its own. */
export async function openRetentionLog(): Promise<RetentionLog> {
  const database = await createTestDatabase();
  const pool = makePool({ connectionString: database.serviceUrl, max: 6, name: 'test-retention' });
  const keysets = await openKeysets(pool);
  const log = await openFilledLog({ pool, keysets }, { origin: ORIGIN });
  const reader = makeAuditReader({ pool });
  const signer = makeNoteSigner(parseSigningKey(generateSigningKey(ORIGIN)));
  return {
    database,
    pool,
    keysets,
    reader,
    log,
    operate: (work) => operate({ pool, keysets, log }, work),
    publish: () => publish({ pool, log, signer }),
    writeArchive: () => writeArchive({ reader, keysets, signer }),
    sql: async (text, values = []) => {
      const result = await withClient(database.ownerUrl, (client) => client.query(text, values));
      return result.rows as Record<string, unknown>[];
    },
    close: async () => {
      await pool.end();
      await database.drop();
    },
  };
}

type Sequencing = { pool: Pool; keysets: Keysets; log: FilledLog };

async function operate<T>(deps: Sequencing, work: (operator: Operator) => Promise<T>): Promise<T> {
  const { pool, keysets } = deps;
  let working = true;
  const sequencing = (async () => {
    while (working) {
      await integrate(deps);
      await sleep(20);
    }
    await integrate(deps);
  })();
  try {
    return await withOperator({ pool, keysets, withinMs: 10_000 }, work);
  } finally {
    working = false;
    await sequencing;
  }
}

type PendingRow = {
  day: string;
  boot_id: Buffer;
  first_seq: string;
  n: number;
  leaves: Buffer;
  sealed_who: Buffer;
  sealed_what: Buffer;
  terms: Buffer;
};

/** What a sequencer does, without its doubts. */
async function integrate({ pool, log: { logId, edge } }: Sequencing): Promise<void> {
  const batches = await runStatement<PendingRow>(pool, {
    text: `select p.* from (
      select audit_pending.day::text, audit_pending.boot_id, first_seq, n, leaves, sealed_who, sealed_what, terms
      from audit_pending left join audit_writer on audit_writer.boot_id = audit_pending.boot_id
      where first_seq >= coalesce(next_seq, 0)) as p order by first_seq`,
  });
  for (const batch of batches) {
    const writer = {
      bootId: batch.boot_id,
      nextSeq: Number(batch.first_seq) + batch.n,
      day: batch.day,
      closed: false,
    };
    await inTransaction(pool, (session) =>
      appendSegment(session, { logId, edge, events: eventsOf(batch), writers: [writer] }),
    );
  }
}

function eventsOf(batch: PendingRow): SequencedEvent[] {
  const who = decodeSealed(batch.sealed_who, batch.n);
  const what = decodeSealed(batch.sealed_what, batch.n);
  const terms = decodeTerms(batch.terms, batch.n);
  return decodeLeaves(batch.leaves, batch.n).map((bytes, place) => {
    const leaf = readLeaf(bytes);
    const [itsWho, itsWhat] = [who[place], what[place]];
    if (leaf === undefined || itsWho === undefined || itsWhat === undefined) {
      throw new Error('a batch cannot be read');
    }
    return { bytes, leaf, who: itsWho, what: itsWhat, terms: terms[place] ?? [] };
  });
}

async function publish(deps: { pool: Pool; log: FilledLog; signer: Signer }): Promise<number> {
  const { logId, edge } = deps.log;
  const [size, root] = [edge.size(), edge.root()];
  const note = signCheckpoint({ origin: ORIGIN, size, root }, [deps.signer]);
  await runStatement(deps.pool, {
    text: 'select audit_publish($1, $2, $3, $4)',
    values: [logId, size, root, note],
  });
  return size;
}

type Exporting = { reader: AuditReader; keysets: Keysets; signer: Signer };

async function writeArchive({ reader, keysets, signer }: Exporting): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'counterfoil-archive-'));
  const [shard] = await reader.shards();
  const checkpoint = shard && (await reader.checkpoint(shard.logId));
  if (shard === undefined || checkpoint === undefined) {
    throw new Error('nothing is published');
  }
  const deps = { reader, keysets, vkeysOf: async () => [signer.verifierKey], version: 'test' };
  for await (const file of logFiles(deps, { shard, checkpoint })) {
    await mkdir(dirname(join(dir, file.path)), { recursive: true });
    await writeFile(join(dir, file.path), 'bytes' in file ? file.bytes : file.chunks());
  }
  return dir;
}

/** The disclosures of an event that can still be opened, as text. */
export async function textsOf(
  keysets: Keysets,
  { leaf: bytes, who, what }: StoredEvent,
): Promise<{ who: string | undefined; what: string | undefined }> {
  const leaf = readLeaf(bytes);
  if (leaf === undefined) {
    throw new Error('a leaf cannot be read');
  }
  const [openedWho, openedWhat] = await Promise.all([
    openDisclosure(keysets, { leaf, label: 'who', disclosure: who }),
    openDisclosure(keysets, { leaf, label: 'what', disclosure: what }),
  ]);
  return { who: openedWho?.text, what: openedWhat?.text };
}
