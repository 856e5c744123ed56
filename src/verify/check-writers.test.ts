import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kinds, verifyFiles } from '../../test/helpers/sample-log.ts';
import { makeStaticLog } from '../../test/helpers/static-log.ts';

type Log = ReturnType<typeof makeStaticLog>;
type Writer = ReturnType<Log['writer']>;

/** The findings about a log with one writer that was led through this. */
async function found(lead: (log: Log, writer: Writer) => void) {
  const log = makeStaticLog();
  lead(log, log.writer());
  return (await verifyFiles(log, log.export().files)).findings;
}

const gap = (log: Log, boot: string, from: number, to: number) =>
  log.own('audit.gap', { boot, from, to, why: 'missing' });

test('numbers that a gap leaf names are an alarm, not a failure, and it says how many', async () => {
  const findings = await found((log, writer) => {
    gap(log, writer.boot, 1, 3);
    writer.next = 4;
    writer.write();
  });
  assert.equal(findings.length, 1);
  const [finding] = findings;
  assert.deepEqual([finding?.kind, finding?.severity, finding?.count], ['gap', 'alarm', 3]);
});

test('a gap may be named at the beginning, at the end, or later; in parts, too', async () => {
  const findings = await found((log, writer) => {
    gap(log, 'never-seen', 0, 1);
    writer.next = 5;
    writer.write();
    gap(log, writer.boot, 2, 3);
    gap(log, writer.boot, 1, 1);
    gap(log, writer.boot, 4, 4);
    gap(log, writer.boot, 6, 9);
  });
  assert.deepEqual(
    findings.map(({ kind, count }) => [kind, count]),
    [['gap', 2 + 2 + 1 + 1 + 4]],
  );
});

test('a hole that no gap names is a failure, with the numbers and the writer', async () => {
  const findings = await found((_log, writer) => {
    writer.next = 4;
    writer.write();
  });
  assert.deepEqual(
    findings.map(({ kind, severity, count }) => [kind, severity, count]),
    [['number_missing', 'failed', 3]],
  );
  assert.match(findings[0]?.at[0] ?? '', /^entry 2: writer [\w-]{22}, numbers 1 to 3$/);
});

test('a writer that does not begin at 0, and is not said to go on, is a hole', async () => {
  const log = makeStaticLog();
  log.writer({ boot: 'late', next: 2 }).write();
  assert.deepEqual(kinds(await verifyFiles(log, log.export().files)), ['number_missing']);
});

test('a carried writer begins exactly where log.open says', async () => {
  const log = makeStaticLog({ open: { writers: { late: 2 } } });
  log.writer({ boot: 'late', next: 1 }).write();
  assert.deepEqual(kinds(await verifyFiles(log, log.export().files)), ['number_twice']);
});

test('renumbered writers, and gaps that were none, are failures', async () => {
  const kindsOf = async (lead: Parameters<typeof found>[0]) =>
    (await found(lead)).map(({ kind }) => kind);
  assert.deepEqual(
    await kindsOf((_log, writer) => {
      writer.next = 0;
      writer.write();
    }),
    ['number_twice'],
  );
  assert.deepEqual(
    await kindsOf((log, writer) => {
      gap(log, writer.boot, 0, 0);
      log.own('audit.gap', { boot: 7 });
    }),
    ['gap_wrong'],
  );
  assert.deepEqual(
    await kindsOf((_log, writer) => {
      writer.stop();
      writer.write();
    }),
    ['after_stop'],
  );
  assert.deepEqual(
    await kindsOf((log, writer) => {
      log.own('audit.writer.closed', { boot: writer.boot, next: 9 });
    }),
    ['end_wrong'],
  );
});

test('what is odd but hides nothing is a notice', async () => {
  const findings = await found((log, writer) => {
    writer.write({ atMs: 5 });
    log.own('audit.writer.closed', { boot: writer.boot, next: 2 });
    writer.write();
    log.writer({ boot: 'other', next: 0 }).write();
  });
  assert.deepEqual(
    findings.map(({ kind, severity }) => [kind, severity]),
    [
      ['back_after_close', 'notice'],
      ['start_missing', 'notice'],
      ['time_back', 'notice'],
    ],
  );
});

test('log.freeze is the last leaf or a failure; log.open is the first and only one', async () => {
  const kindsOf = async (lead: Parameters<typeof found>[0]) =>
    (await found(lead)).map(({ kind }) => kind);
  assert.deepEqual(
    await kindsOf((log, writer) => {
      log.own('log.freeze');
      writer.write();
    }),
    ['freeze_not_last'],
  );
  assert.deepEqual(await kindsOf((log) => log.own('log.open')), ['open_twice']);
  const foreign = makeStaticLog({ open: { origin: 'log.test/audit/2025' } });
  assert.deepEqual(kinds(await verifyFiles(foreign, foreign.export().files)), ['open_malformed']);
});
