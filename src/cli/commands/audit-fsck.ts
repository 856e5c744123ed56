import { countFindings } from '../../app/audit/fsck.ts';
import { withFsck } from '../../app/audit/run-fsck.ts';
import { untilAborted } from '../../app/stop-signals.ts';
import { loadConfig } from '../../config/load-config.ts';
import { parseDuration } from '../../domain/duration.ts';
import { type Command, textOf, UsageError } from '../command.ts';
import { renderReport } from '../render-report.ts';

export const auditFsck: Command = {
  usage: '',
  summary: 'Re-check the whole audit log in the database: tree, entries, index, checkpoints.',
  options: { every: { type: 'string' } },
  help: [
    '--every D   again and again, with a rest of this long between: 30s, 15m, 6h, 1d',
    'Reads the database itself, with the root key: DATABASE_URL and COUNTERFOIL_KEYRING, else the',
    'service that runs with dev. Fails when something is wrong, or when the log itself says that events',
    'are missing. A running service re-checks its log, too: counterfoil_audit_fsck_* in its metrics.',
  ],
  run: async (context, args) => {
    const every = textOf(args, 'every');
    const restMs = every === undefined ? undefined : parseDuration(every);
    if (every !== undefined && restMs === undefined) {
      throw new UsageError('--every must be a duration: 30s, 15m, 6h, 1d');
    }
    const json = args.values['json'] === true;
    return await withFsck(loadConfig(context.env, 'client'), async (check) => {
      const pass = async (): Promise<boolean> => {
        const shards = await check();
        const reports = shards.map(({ report }) => report);
        context.out(json ? `${JSON.stringify(reports)}\n` : reports.map(renderReport).join('\n'));
        const { failed, alarm } = countFindings(shards);
        return failed + alarm === 0;
      };
      let isClean = await pass();
      if (restMs === undefined) {
        return isClean;
      }
      const { stop } = context.catchSignals();
      while (!stop.aborted) {
        await Promise.race([untilAborted(AbortSignal.timeout(restMs)), untilAborted(stop)]);
        if (!stop.aborted) isClean = (await pass()) && isClean;
      }
      return isClean;
    });
  },
};
