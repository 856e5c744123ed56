import type { AuditEvent } from '../domain/audit/event.ts';
import { VaultError } from '../domain/errors.ts';
import type { Operations } from './operation.ts';
import { checkAction, type Session } from './steps/access.ts';
import { asVaultError, audited } from './steps/audited.ts';
import type { OperationDeps } from './steps/deps.ts';
import { eventsOfFates } from './steps/events.ts';
import { type Exporting, type ExportTotal, exportLines } from './vault-export/content.ts';

const ACTION = 'vault.export';

/** `exporting` is absent where the operator chose nobody who may open exports. */
export type ExportDeps = { exporting: Exporting | undefined };

/**
 * Exports a vault with its keys, as a stream that is encrypted to the recipients of the operator's choice:
 * to a key of the caller's it would be a way to take the vault along. The event is durable before the first
 * byte; a second one, with the extent, before the last. Nothing is read before the first byte is asked for.
 */
export function makeExportVault(deps: OperationDeps & ExportDeps): Operations['exportVault'] {
  return (call) =>
    audited(deps, call, { action: ACTION, items: 0 }, async (session) => {
      checkAction(session, { action: ACTION, items: 1 });
      if (deps.exporting === undefined) throw noRecipients();
      return { output: { content: contentOf(deps, deps.exporting, session) }, fates: [] };
    });
}

async function* contentOf(
  { audit, clock }: OperationDeps,
  exporting: Exporting,
  session: Session,
): AsyncGenerator<Buffer> {
  const complete = async (total: ExportTotal) => {
    for (const event of completedEvents(session, total)) await audit.append(event);
  };
  const lines = exportLines(exporting, session.vault, { nowMs: clock.now(), complete });
  try {
    yield* exporting.encrypt(lines);
  } catch (error) {
    throw asVaultError(error);
  }
}

function completedEvents(session: Session, { counts, sha256 }: ExportTotal): AuditEvent[] {
  const about = { action: ACTION, items: counts.token } as const;
  const attributes = { complete: true, sha256, rows: counts };
  return eventsOfFates(session, about, []).map((event) => ({ ...event, attributes }));
}

function noRecipients(): VaultError {
  return new VaultError('invalid_request', {
    detail: 'COUNTERFOIL_EXPORT_RECIPIENTS is not set: there is nobody to encrypt an export to',
    problems: [{ path: '', rule: 'export_recipients_missing' }],
  });
}
