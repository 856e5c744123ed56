import { VaultError } from '../../domain/errors.ts';
import type { Witness } from '../../operations/ports/witness.ts';
import { parsePolicy } from '../../tlog/parse-policy.ts';
import type { Policy } from '../../tlog/policy.ts';
import { TlogError } from '../../tlog/tlog-error.ts';
import { type Fetch, isWitnessUrl } from './http.ts';
import { makeHttpWitness } from './witness.ts';

/** Who shall cosign, and whose cosignatures together suffice. */
export type Witnessing = { policy: Policy; witnesses: readonly Witness[] };

/** No witness, and none needed. */
export const NO_WITNESSES: Witnessing = {
  policy: { logs: [], witnesses: [], groups: [], quorum: undefined },
  witnesses: [],
};

/**
 * Reads a policy file (C2SP tlog-policy) whose witnesses have URLs, https or loopback. Its `log` lines, if
 * it has any, are for those who verify. Throws `internal` with a line for the operator.
 */
export function readWitnesses(
  file: Uint8Array | string,
  fetch: Fetch = globalThis.fetch,
): Witnessing {
  const policy = parse(file);
  const witnesses = policy.witnesses.map(({ name, verifier, url }) => {
    if (url === undefined || !isWitnessUrl(url)) {
      throw refuse(
        `the witness ${name} must have an https URL (http only on a loopback address), without credentials or query`,
      );
    }
    return makeHttpWitness({ name, verifier, url, fetch });
  });
  return { policy, witnesses };
}

function parse(file: Uint8Array | string): Policy {
  try {
    return parsePolicy(file);
  } catch (cause) {
    throw refuse(cause instanceof TlogError ? cause.message : 'it cannot be read', cause);
  }
}

function refuse(why: string, cause?: unknown): VaultError {
  return new VaultError('internal', { detail: `COUNTERFOIL_AUDIT_WITNESSES: ${why}.`, cause });
}
