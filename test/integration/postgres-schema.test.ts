import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { it } from 'node:test';
import { createTestDatabase, MIGRATIONS } from '../helpers/database.ts';
import { dumpSchema } from '../helpers/schema-dump.ts';

it('schema.sql is what the migrations make (else: npm run gen)', async () => {
  const database = await createTestDatabase();
  try {
    const committed = await readFile(join(MIGRATIONS, 'schema.sql'), 'utf8');
    assert.equal(await dumpSchema(database.ownerUrl), committed);
  } finally {
    await database.drop();
  }
});
