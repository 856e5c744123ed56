import { makeMemoryAuditLog } from '../../src/adapters/memory/audit-log.ts';
import { openAuditLog, readLeaves } from '../helpers/audit-log.ts';
import { createTestDatabase, withClient } from '../helpers/database.ts';
import { integratePending, openShard } from '../helpers/integrate-pending.ts';
import { runAuditLogContract } from './audit-log.ts';

runAuditLogContract('memory', async () => {
  const log = makeMemoryAuditLog();
  return {
    log,
    durableIds: async () => log.events.map(({ id }) => id),
    integrate: async () => {},
    breakIt: async () => log.setAvailable(false),
    mend: async () => log.setAvailable(true),
    close: async () => {},
  };
});

runAuditLogContract('postgres', async () => {
  const database = await createTestDatabase();
  const { writer, pool, keysets, close } = await openAuditLog(database.serviceUrl);
  await openShard(pool, '2026');
  const owner = (sql: string) => () =>
    withClient(database.ownerUrl, async (client) => void (await client.query(sql)));
  return {
    log: writer,
    durableIds: async () => (await readLeaves(database.ownerUrl)).map(({ leaf }) => leaf.id),
    integrate: async () => {
      await integratePending({ pool, keysets });
      await owner('select audit_publish(log_id, size, root, $$-$$) from audit_log')();
    },
    breakIt: owner('revoke insert on audit_pending from counterfoil_service'),
    mend: owner('grant insert on audit_pending to counterfoil_service'),
    close: async () => {
      await close();
      await database.drop();
    },
  };
});
