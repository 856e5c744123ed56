import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Pool } from 'pg';
import { makeAuditReader } from '../../src/adapters/postgres/audit/reader/reader.ts';
import { makePool } from '../../src/adapters/postgres/pool.ts';
import { auditExport } from '../../src/cli/commands/audit-export.ts';
import { directoryFiles } from '../../src/cli/log-sources/directory.ts';
import { makeLogSigner } from '../../src/crypto/log-signer.ts';
import { exportStream } from '../../src/operations/export/formats.ts';
import type { ExportFormat } from '../../src/operations/export/request.ts';
import { signCheckpoint } from '../../src/tlog/checkpoint.ts';
import { parsePolicy } from '../../src/tlog/parse-policy.ts';
import { openFileSource } from '../../src/verify/file-source.ts';
import { verifyLog } from '../../src/verify/verify-log.ts';
import { startAnswering } from '../helpers/answering-server.ts';
import { openContext } from '../helpers/cli-context.ts';
import { createTestDatabase, type TestDatabase, withClient } from '../helpers/database.ts';
import { type GivenEvent, openFilledLog, sampleEvent } from '../helpers/filled-log.ts';
import { openKeysets } from '../helpers/keysets.ts';

const BOOT = 'AAAAAAAAAAAAAAAAAAAAAA';
const SPITEFUL = ['=1+1', 'eve\n2026', '"quoted",', '\u001b[2J', 'moc.\u202eelpmaxe', 'é😀'];

let database: TestDatabase;
let pool: Pool;
let folder: string;
before(async () => {
  database = await createTestDatabase();
  pool = makePool({ connectionString: database.serviceUrl, max: 4, name: 'test' });
  folder = await mkdtemp(join(tmpdir(), 'export-'));
});
after(async () => {
  await pool.end();
  await database.drop();
  await rm(folder, { recursive: true });
});

const ORIGIN = 'log.test/audit/2026';

/** The log's own first entry, the start of a writer, then callers, the first of them with odd names. */
function eventOf(index: number, vkeys: readonly string[]): GivenEvent {
  if (index === 0) {
    const attributes = { origin: ORIGIN, vkeys, writers: {} };
    return { ...sampleEvent({ operation: 'log.open', attributes }), who: {}, what: {} };
  }
  const { actor = assert.fail() } = sampleEvent().who;
  const subject = SPITEFUL[index - 1] ?? 'ada';
  return sampleEvent({
    operation: index === 1 ? 'audit.writer.start' : 'detokenize',
    writer: [BOOT, index - 1],
    who: { actor: { ...actor, subject }, source: { ip: '192.0.2.1' } },
  });
}

/** A published shard of 700 events, and what an export needs of it. */
async function arrange() {
  const keysets = await openKeysets(pool);
  const log = await openFilledLog({ pool, keysets });
  const signer = makeLogSigner({ keysets, sources: ['keyring'] });
  const vkeys = await signer.vkeysOf(ORIGIN);
  const given = Array.from({ length: 700 }, (_, index) => eventOf(index, vkeys));
  await log.append(given.slice(0, 400));
  await log.append(given.slice(400));
  const root = log.edge.root();
  const tree = { origin: ORIGIN, size: 700, root };
  const note = signCheckpoint(tree, await signer.signersOf(ORIGIN));
  await pool.query('select audit_publish($1, $2, $3, $4)', [log.logId, 700, root, note]);
  const reader = makeAuditReader({ pool });
  const [shard = assert.fail()] = await reader.shards();
  const checkpoint = (await reader.checkpoint(log.logId)) ?? assert.fail();
  const deps = { reader, keysets, vkeysOf: signer.vkeysOf, version: '1.2.3' };
  return {
    stream: (format: ExportFormat) => exportStream(deps, { format, shard, checkpoint }),
    vkeys,
  };
}

test('a log is exported by the CLI in every format, and its static form verifies', async (t) => {
  const { stream, vkeys } = await arrange();
  const formats = ['native', 'ocsf', 'csv', 'tar'] as const;
  const answers = formats.map((format) => ({ status: 200, body: stream(format) }));
  const server = await startAnswering(t, answers);
  const context = openContext(server.url);
  const out = (format: string) => join(folder, format);
  for (const format of formats) {
    await auditExport.run(context, { values: { format, out: out(format) }, words: [] });
  }
  const linesOf = async (format: string) =>
    (await readFile(out(format), 'utf8')).trimEnd().split('\n');
  const native = (await linesOf('native')).map((line) => JSON.parse(line));
  assert.deepEqual(
    native.map(({ index }) => index),
    native.map((_, index) => index),
  );
  assert.deepEqual(
    native.slice(1, 1 + SPITEFUL.length).map(({ actor }) => actor.subject),
    SPITEFUL,
  );
  const ocsf = (await linesOf('ocsf')).map((line) => JSON.parse(line));
  assert.deepEqual([native.length, ocsf.length, (await linesOf('csv')).length], [700, 700, 701]);
  assert.equal(ocsf[2].actor.user.uid, SPITEFUL[1]);

  const policy = parsePolicy(`log ${vkeys[0]}\nquorum none\n`);
  const source = await openFileSource(directoryFiles(out('tar')));
  const report = await verifyLog(source, { policy });
  assert.deepEqual(
    report.findings.filter(({ severity }) => severity === 'failed'),
    [],
  );
  assert.equal(report.log?.size, 700);
  assert.deepEqual(
    report.checked.find(({ check }) => check === 'disclosures'),
    { check: 'disclosures', count: 1_398, of: 'disclosures' },
  );
});

test('a log that was altered is not exported as if it were whole', async (t) => {
  const { rows } = await pool.query('select log_id as "logId", size::int from audit_log');
  const reader = makeAuditReader({ pool });
  const [shard = assert.fail()] = await reader.shards();
  const checkpoint = (await reader.checkpoint(shard.logId)) ?? assert.fail();
  assert.equal(rows[0].size, 700);
  await withClient(database.ownerUrl, async (client) => {
    await client.query('alter table audit_segment disable trigger all');
    await client.query(
      'update audit_segment set leaves = set_byte(leaves, 50, get_byte(leaves, 50) # 1)',
    );
  });
  const keysets = await openKeysets(pool);
  const deps = { reader, keysets, vkeysOf: async () => [], version: '1.2.3' };
  const body = exportStream(deps, { format: 'native', shard, checkpoint });
  const server = await startAnswering(t, [{ status: 200, body }]);
  const values = { format: 'native', out: join(folder, 'altered') };
  const run = auditExport.run(openContext(server.url), { values, words: [] });
  await assert.rejects(run, { message: /broke off/ });
  await assert.rejects(readFile(values.out), { code: 'ENOENT' });
});
