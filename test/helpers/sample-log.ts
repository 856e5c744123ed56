// A log in which everything happens that can happen in a log that is all right.
import { parsePolicy } from '../../src/tlog/parse-policy.ts';
import { openFileSource } from '../../src/verify/file-source.ts';
import type { FindingKind } from '../../src/verify/findings.ts';
import type { VerifyOptions } from '../../src/verify/options.ts';
import type { Report } from '../../src/verify/report.ts';
import { verifyLog } from '../../src/verify/verify-log.ts';
import { makeStaticLog, memoryFiles, type StaticExport } from './static-log.ts';

type Log = ReturnType<typeof makeStaticLog>;

/**
 * At least `size` events by three writers: one stops, one is given up, one goes on. Some are erased, and the
 * key of January of the vault `old` is destroyed.
 */
export function sampleLog(size = 600): Log {
  const log = makeStaticLog();
  const [first, second, third] = [log.writer(), log.writer(), log.writer()];
  for (let round = 0; log.size() < size - 30; round += 1) {
    first.write({ vault: 'demo' });
    second.write({ vault: round < 20 ? 'old' : 'demo' });
    third.write({ vault: 'demo', outcome: 'deny', status: 403 });
  }
  log.erase(first, 'who', [4, 6, 7]);
  log.erase(first, 'what', [7, 9]);
  log.destroyKey(first, 'old', 202_601);
  first.stop();
  log.own('audit.writer.closed', { boot: second.boot, next: second.next });
  while (log.size() < size) third.write({ vault: 'demo' });
  return log;
}

/** Verifies files under the policy of the log. */
export async function verifyFiles(
  log: Pick<Log, 'policy'>,
  files: StaticExport['files'],
  more: Partial<VerifyOptions> = {},
): Promise<Report> {
  const source = await openFileSource(memoryFiles(files));
  return verifyLog(source, { policy: parsePolicy(log.policy), ...more });
}

/** The kinds of the findings that are no notices. */
export function kinds({ findings }: Report): FindingKind[] {
  return findings.filter(({ severity }) => severity !== 'notice').map(({ kind }) => kind);
}
