import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import fc from 'fast-check';
import type { Pool } from 'pg';
import {
  bigints,
  bools,
  byteas,
  ints,
  smallints,
  texts,
  timestamps,
} from '../../src/adapters/postgres/binary-arrays.ts';
import { makePool } from '../../src/adapters/postgres/pool.ts';
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts';

let database: TestDatabase;
let pool: Pool;
before(async () => {
  database = await createTestDatabase();
  pool = makePool({ connectionString: database.serviceUrl, max: 2, name: 'arrays' });
});
after(async () => {
  await pool.end();
  await database.drop();
});

/** What the server reads: one element per row, in order; null where there was nothing. */
async function readBack(type: string, array: Buffer): Promise<unknown[]> {
  const { rows } = await pool.query(`select unnest($1::${type}[]) as element`, [array]);
  return rows.map(({ element }) => element);
}

/** That the server reads from the binary array exactly what was put in. */
async function checkRoundTrip<Value>(
  type: string,
  encode: (values: readonly (Value | undefined)[]) => Buffer,
  element: fc.Arbitrary<Value>,
): Promise<void> {
  const values = fc.array(fc.option(element, { nil: undefined }), { maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(values, async (given) => {
      const expected = given.map((value) => value ?? null);
      assert.deepEqual(await readBack(type, encode(given)), expected);
    }),
    { numRuns: 50 },
  );
}

it('numbers arrive as they are, to the ends of their range', async () => {
  await checkRoundTrip('smallint', smallints, fc.integer({ min: -(2 ** 15), max: 2 ** 15 - 1 }));
  await checkRoundTrip('int', ints, fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }));
  const bigint = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
  await checkRoundTrip('bigint', bigints, bigint.map(String));
});

it('bytes, truth values and times arrive as they are', async () => {
  const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
  await checkRoundTrip('bytea', byteas, bytes);
  await checkRoundTrip('bool', bools, fc.boolean());
  const time = fc.date({
    min: new Date('1900-01-01T00:00:00Z'),
    max: new Date('9999-12-31T23:59:59.999Z'),
    noInvalidDate: true,
  });
  await checkRoundTrip('timestamptz', timestamps, time);
});

it('texts arrive as they are, whatever characters they have', async () => {
  const text = fc.string({ unit: 'binary', maxLength: 60 });
  const storable = text.filter((each) => !each.includes('\0'));
  await checkRoundTrip('text', texts, storable);
  const awkward = ['', 'NULL', '{}', '"', '\\', ',', 'ü', '漢字', '💳', ' '];
  assert.deepEqual(await readBack('text', texts(awkward)), awkward);
});

it('what no text of the server can be is refused as data, not as an outage', async () => {
  await assert.rejects(readBack('text', texts(['a\0b'])), { code: '22021' });
});
