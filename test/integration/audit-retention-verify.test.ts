import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeAuditReader } from '../../src/adapters/postgres/audit/reader/reader.ts';
import { ensureShard } from '../../src/adapters/postgres/audit/sequencer/ensure-shard.ts';
import { eraseActor } from '../../src/app/audit/erase.ts';
import { type Operator, withOperator } from '../../src/app/audit/operator.ts';
import { pruneShard } from '../../src/app/audit/prune.ts';
import { directoryFiles } from '../../src/cli/log-sources/directory.ts';
import { type LogSigner, makeLogSigner } from '../../src/crypto/log-signer.ts';
import { randomBytes } from '../../src/crypto/random.ts';
import { logFiles } from '../../src/operations/export/log-files.ts';
import { signCheckpoint } from '../../src/tlog/checkpoint.ts';
import { parsePolicy } from '../../src/tlog/parse-policy.ts';
import { openFileSource } from '../../src/verify/file-source.ts';
import { isClean } from '../../src/verify/report.ts';
import { verifyLog } from '../../src/verify/verify-log.ts';
import { type OpenAuditLog, openAuditLog } from '../helpers/audit-log.ts';
import { createTestDatabase, type TestDatabase, withClient } from '../helpers/database.ts';
import { sampleEvent } from '../helpers/filled-log.ts';
import { integratePending } from '../helpers/integrate-pending.ts';

const BASE_ORIGIN = 'log.test/audit';

let database: TestDatabase;
let audit: OpenAuditLog;
let signer: LogSigner;
let folder: string;
let isClosed = false;
before(async () => {
  database = await createTestDatabase();
  audit = await openAuditLog(database.serviceUrl);
  signer = makeLogSigner({ keysets: audit.keysets, sources: ['keyring'] });
  folder = await mkdtemp(join(tmpdir(), 'counterfoil-retention-'));
  await ensureShard({
    pool: audit.pool,
    clock: { now: () => Date.now() },
    random: randomBytes,
    baseOrigin: BASE_ORIGIN,
    vkeysOf: signer.vkeysOf,
  });
});
after(async () => {
  if (!isClosed) await audit.close();
  await rm(folder, { recursive: true });
  await database.drop();
});

/** Runs an operator's work while a sequencer is at work. */
async function operate<T>(work: (operator: Operator) => Promise<T>): Promise<T> {
  let working = true;
  const sequencing = (async () => {
    while (working) {
      await integratePending(audit);
      await sleep(20);
    }
    await integratePending(audit);
  })();
  try {
    return await withOperator(audit, work);
  } finally {
    working = false;
    await sequencing;
  }
}

/** Publishes the tree as it is, and exports it. */
async function exportLog(name: string): Promise<string> {
  const dir = join(folder, name);
  const reader = makeAuditReader(audit);
  const [shard = assert.fail()] = await reader.shards();
  const { logId, origin, size } = shard;
  const { rows } = await withClient(database.ownerUrl, (client) =>
    client.query<{ root: Buffer }>('select root from audit_log'),
  );
  const root = rows[0]?.root ?? assert.fail();
  const note = signCheckpoint({ origin, size, root }, await signer.signersOf(origin));
  await audit.pool.query('select audit_publish($1, $2, $3, $4)', [logId, size, root, note]);
  const checkpoint = (await reader.checkpoint(logId)) ?? assert.fail();
  const deps = { reader, keysets: audit.keysets, vkeysOf: signer.vkeysOf, version: 'test' };
  for await (const file of logFiles(deps, { shard, checkpoint })) {
    await mkdir(dirname(join(dir, file.path)), { recursive: true });
    await writeFile(join(dir, file.path), 'bytes' in file ? file.bytes : file.chunks());
  }
  return dir;
}

async function verify(dir: string) {
  const [shard = assert.fail()] = await makeAuditReader(audit).shards();
  const keys = (await signer.vkeysOf(shard.origin)).map((vkey) => `log ${vkey}\n`);
  const policy = parsePolicy(`${keys.join('')}quorum none\n`);
  const report = await verifyLog(await openFileSource(directoryFiles(dir)), { policy });
  assert.deepEqual(
    report.findings.filter(({ severity }) => severity !== 'notice'),
    [],
  );
  assert.ok(isClean(report));
  return report.explained.map(({ why, label, entries }) => [why, label, entries]);
}

test('a log from which things were taken verifies, and the verifier says what is gone, and by whose word', async () => {
  const { actor = assert.fail() } = sampleEvent().who;
  const eve = sampleEvent({ who: { actor: { ...actor, subject: 'eve' } } });
  await Promise.all(
    Array.from({ length: 600 }, (_, at) => audit.writer.append(at % 6 === 0 ? eve : sampleEvent())),
  );
  const request = { basis: 'contract-end', dryRun: false } as const;
  await operate((operator) => eraseActor(operator, { subject: 'eve' }, request));
  const archive = await exportLog('archive');
  assert.deepEqual(await verify(archive), [['erased', 'who', 100]]);

  const asked = { before: { index: 512 }, archive, policyId: 'p1', confirmed: true };
  const { minIndex } = await operate((operator) => pruneShard(operator, asked));
  assert.equal(minIndex, 512);
  const explained = await verify(await exportLog('rest'));
  assert.deepEqual(explained[0]?.[0] === 'pruned' ? explained[0] : explained.at(-1), [
    'pruned',
    undefined,
    512,
  ]);
  assert.deepEqual(await verify(archive), [['erased', 'who', 100]]);
  await audit.close();
  isClosed = true;
});
