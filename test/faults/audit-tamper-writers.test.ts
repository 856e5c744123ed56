// The tamper matrix: whoever owns the database changes any column, any row of the log, and is named.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { withClient } from '../helpers/database.ts';
import { CHECKPOINT, LOG } from '../helpers/tamper-matrix-heads.ts';
import { PENDING, TURN, WRITER } from '../helpers/tamper-matrix-writers.ts';
import { attemptsOf, tryOut } from '../helpers/tamper-run.ts';
import { openTamperedLog, type TamperedLog } from '../helpers/tampered-log.ts';

let log: TamperedLog;
before(async () => {
  log = await openTamperedLog();
});
after(() => log?.close());

for (const matrix of [PENDING, WRITER, TURN, LOG, CHECKPOINT]) {
  test(`${matrix.table}: whatever is done to it is told by name, or is no evidence`, async () => {
    const wrong: string[] = [];
    await withClient(log.database.ownerUrl, async (client) => {
      for (const attempt of await attemptsOf(log, matrix)) {
        const complaint = await tryOut(log, client, attempt);
        if (complaint !== undefined) wrong.push(complaint);
      }
    });
    assert.deepEqual(wrong, []);
  });
}
