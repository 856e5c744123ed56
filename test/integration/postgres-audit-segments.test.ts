import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Pool } from 'pg';
import { makePool } from '../../src/adapters/postgres/pool.ts';
import { createTestDatabase, type TestDatabase, withClient } from '../helpers/database.ts';
import { openFilledLog, sampleEvent } from '../helpers/filled-log.ts';
import { openKeysets } from '../helpers/keysets.ts';

let database: TestDatabase;
let pool: Pool;
before(async () => {
  database = await createTestDatabase();
  pool = makePool({ connectionString: database.serviceUrl, max: 4, name: 'test' });
});
after(async () => {
  await pool.end();
  await database.drop();
});

test('a segment moves head, tiles and terms of its shard on, as one', async () => {
  const log = await openFilledLog({ pool, keysets: await openKeysets(pool) });
  await log.append([sampleEvent()]);
  await log.append(Array.from({ length: 600 }, () => sampleEvent()));
  await withClient(database.ownerUrl, async (client) => {
    const { rows } = await client.query(
      'select size::int, root, length(edge) as edge from audit_log',
    );
    assert.deepEqual(rows, [{ size: 601, root: log.edge.root(), edge: (601 % 256) * 32 + 2 * 32 }]);
    const tiles = await client.query('select level, n::int from audit_tile order by n');
    assert.deepEqual(tiles.rows, [
      { level: 0, n: 0 },
      { level: 0, n: 1 },
    ]);
    const terms = await client.query(
      'select segment::int, count(*)::int, max(cardinality(positions)) as longest from audit_term group by 1 order by 1',
    );
    // An id each, one actor, one token, three facets.
    assert.deepEqual(terms.rows, [
      { segment: 0, count: 6, longest: 1 },
      { segment: 1, count: 605, longest: 600 },
    ]);
  });
});
