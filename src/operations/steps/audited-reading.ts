import type { AuditEvent } from '../../domain/audit/event.ts';
import type { Json } from '../../domain/audit/jcs.ts';
import type { ErrorCode } from '../../domain/errors.ts';
import type { Answer, Caller } from '../call.ts';
import type { AuditLog, Basis } from '../ports/audit-log.ts';
import type { Vault, VaultRegistry } from '../ports/vault-registry.ts';
import { untilItHolds } from './attempts.ts';
import { asVaultError } from './audited.ts';
import { asWithheld, outcomeOf, whoOf } from './events.ts';

/** What is known of a reading while it runs: its event tells that much, however it ends. */
export type Reading = {
  operation: 'audit.search' | 'audit.read' | 'audit.export';
  /** Set once it is known to exist and to be the caller's. */
  vault?: Vault;
  /** What was asked for. Texts that could be anything only as keyed digests. */
  query: { [name: string]: Json };
  /** How many events the answer holds. */
  items: number;
};

type Deps = { audit: AuditLog; vaults: VaultRegistry };

/**
 * Runs one reading of the log: decide and read, then audit (durable when it resolves), then answer. Reading
 * is an event like any other (PCI DSS 10.2.1.3); a crash before the answer over-reports. When a policy was
 * replaced meanwhile, the answer is withheld and the reading is done anew.
 */
export async function auditedReading<Output>(
  deps: Deps,
  { caller, operation }: { caller: Caller; operation: Reading['operation'] },
  work: (reading: Reading) => Promise<Output>,
): Promise<Answer<Output>> {
  const { audit, vaults } = deps;
  let reading: Reading = { operation, query: {}, items: 0 };
  const fail = async (error: unknown, basis?: Basis): Promise<never> => {
    const failure = asVaultError(error);
    const event = readingEvent(caller, { ...reading, items: 0 }, failure.code);
    failure.auditEventId = (await audit.append(event, basis)).eventId;
    throw failure;
  };
  return untilItHolds(deps, {
    attempt: async () => {
      reading = { operation, query: {}, items: 0 };
      const basis = policiesOf(vaults);
      const output = await work(reading).catch((error) => fail(error, basis));
      const receipt = await audit.append(readingEvent(caller, reading, 'allowed'), basis);
      return { output, receipt };
    },
    withhold: (outdated) =>
      audit.append(asWithheld(readingEvent(caller, reading, 'allowed'), outdated)),
    fail,
  });
}

/**
 * The policies of all vaults, before anything is decided by any: the log is one for all of them, and who may
 * read all of it depends on each.
 */
function policiesOf(vaults: Pick<VaultRegistry, 'all'>): Basis {
  const policies = vaults.all().map(({ id, policyVersion }) => ({
    vaultId: id,
    version: policyVersion,
  }));
  return { policies, cached: [] };
}

/** The event of a reading. */
export function readingEvent(
  caller: Caller,
  { operation, vault, query, items }: Reading,
  key: ErrorCode | 'allowed',
): AuditEvent {
  return {
    operation,
    ...outcomeOf(key),
    ...(vault === undefined ? {} : { vault: vault.name, policy: vault.policyRef }),
    items,
    who: whoOf(caller),
    what: { requestId: caller.requestId, query },
  };
}
