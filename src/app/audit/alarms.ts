import type { AlarmDeps } from '../../adapters/postgres/audit/sequencer/alarms.ts';
import type { AuditAlarm } from '../../adapters/postgres/audit/writer/keeper.ts';
import type { Logger } from '../../telemetry/logger.ts';

/** The alarms of the audit log as lines of the service's log; the metrics count them, too. */
export function makeAuditAlarms(logger: Logger): {
  writer: (alarm: AuditAlarm) => void;
  sequencer: AlarmDeps['alarm'];
  recovered: AlarmDeps['recovered'];
} {
  return {
    writer: (alarm) => {
      if (alarm.kind === 'caught_up') {
        logger.info('audit_alarm_over', { kind: 'behind' });
      } else if (alarm.kind === 'blind') {
        logger.error('audit_alarm', { kind: alarm.kind }, alarm.error);
      } else {
        logger.error('audit_alarm', alarm);
      }
    },
    sequencer: (kind, { error, ...facts }) => {
      const cause = typeof error === 'object' ? { cause: error.name } : {};
      logger.error('audit_alarm', {
        kind,
        ...(facts as Record<string, string | number>),
        ...cause,
      });
    },
    recovered: (kind) => logger.info('audit_alarm_over', { kind }),
  };
}
