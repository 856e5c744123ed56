import { makeAuditReader } from '../../src/adapters/postgres/audit/reader/reader.ts';
import { makePool } from '../../src/adapters/postgres/pool.ts';
import { termOf } from '../../src/crypto/audit-term.ts';
import { createTestDatabase } from '../helpers/database.ts';
import { openFilledLog } from '../helpers/filled-log.ts';
import { openKeysets } from '../helpers/keysets.ts';
import { runAuditReaderContract } from './audit-reader.ts';

runAuditReaderContract('postgres', async () => {
  const database = await createTestDatabase();
  const pool = makePool({ connectionString: database.serviceUrl, max: 4, name: 'test' });
  const keysets = await openKeysets(pool);
  return {
    reader: makeAuditReader({ pool }),
    open: async (shard) => {
      const log = await openFilledLog({ pool, keysets }, { shard, origin: `log.test/${shard}` });
      return {
        ...log,
        publish: async (note = 'note') => {
          const { logId, edge } = log;
          const values = [logId, edge.size(), edge.root(), note];
          await pool.query('select audit_publish($1, $2, $3, $4)', values);
        },
      };
    },
    term: async (kind, text, atMs) => termOf(await keysets.auditTerm(atMs), kind, text).hash,
    close: async () => {
      await pool.end();
      await database.drop();
    },
  };
});
