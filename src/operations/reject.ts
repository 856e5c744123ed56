import type { Operations } from './operation.ts';
import type { AuditLog } from './ports/audit-log.ts';
import type { VaultRegistry } from './ports/vault-registry.ts';
import { outcomeOf, whoOf } from './steps/events.ts';

/** Puts an authenticated request on record that failed before its operation could run. */
export function makeReject(deps: { audit: AuditLog; vaults: VaultRegistry }): Operations['reject'] {
  return ({ vault, requestId, ...caller }, { code }) => {
    // A vault name from a URL is the caller's text until the vault is known to exist.
    const known = vault === undefined ? undefined : deps.vaults.find(vault);
    return deps.audit.append({
      operation: 'request.reject',
      ...outcomeOf(code),
      ...(known === undefined ? {} : { vault: known.name, policy: known.policyRef }),
      items: 0,
      who: whoOf(caller),
      what: { requestId },
    });
  };
}
