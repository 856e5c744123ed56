import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import type { Pool } from 'pg';
import { findIntegrated } from '../../src/adapters/postgres/audit/writer/places.ts';
import type { Statement } from '../../src/adapters/postgres/session.ts';
import { revealEvent } from '../contract/audit-log.ts';
import { type OpenAuditLog, openAuditLog } from '../helpers/audit-log.ts';
import { createTestDatabase, type TestDatabase, withClient } from '../helpers/database.ts';
import { makeHandWriter } from '../helpers/pending-log.ts';

const BATCHES = 40;
const TERMS = 60_000;

let database: TestDatabase;
let log: OpenAuditLog;
before(async () => {
  database = await createTestDatabase();
  log = await openAuditLog(database.serviceUrl);
});
after(async () => {
  await log.close();
  await database.drop();
});

/** A pool that runs nothing, and remembers what it was asked. */
function makeNotingPool(): { pool: Pool; noted: Statement[] } {
  const noted: Statement[] = [];
  const client = {
    query: async (statement: Statement) => {
      noted.push(statement);
      return { rows: [] };
    },
    on: () => {},
    off: () => {},
    release: () => {},
  };
  return { pool: { connect: async () => client } as unknown as Pool, noted };
}

it('proves that batches are in the tree without reading all terms, though nothing was counted yet', async () => {
  const writer = makeHandWriter(log);
  const batches = await Promise.all(
    Array.from({ length: BATCHES }, () => writer.pack([revealEvent])),
  );
  const { pool, noted } = makeNotingPool();
  await findIntegrated(pool, batches);
  const [proof] = noted;
  assert(proof !== undefined);
  const plan = await withClient(database.ownerUrl, async (owner) => {
    await owner.query(
      `insert into audit_term (term, log_id, segment, positions)
        select n, 1, n / 1000, '{0}' from generate_series(1, $1::int) as n`,
      [TERMS],
    );
    const { rows } = await owner.query({ ...proof, text: `explain ${proof.text}` });
    return rows.map((row) => row['QUERY PLAN']).join('\n');
  });
  assert.match(plan, /audit_term_pkey/);
  assert.doesNotMatch(plan, /Seq Scan/);
});
