import type { ErrorCode } from '../errors.ts';
import { isWithinHours } from './hours.ts';
import type { Action, Grant, Policy, Requirement } from './policy.ts';

/** One question to the policy. All that decides is in here: no clock is read. */
export type AccessRequest = {
  principal: { roles: readonly string[]; mfa: boolean; sourceIp: string };
  action: Action;
  field?: string | undefined;
  /** For detokenize; `full` when absent, as in the API. */
  view?: string | undefined;
  purpose?: string | undefined;
  reference?: string | undefined;
  /** How many tokens or values the whole call touches. */
  items: number;
  /** Epoch milliseconds. */
  atMs: number;
};

/** A grant that takes part in a decision, and what it demands that the request lacks (bits of NEEDS). */
export type Match = { grant: Grant; lacks: number };

/** In the order in which callers are told. */
const NEEDS = [
  { bit: 1, code: 'purpose_required', isLacked: lacksPurpose },
  { bit: 2, code: 'mfa_required', isLacked: lacksMfa },
  { bit: 4, code: 'reference_required', isLacked: lacksReference },
] as const satisfies readonly {
  bit: number;
  code: ErrorCode;
  isLacked: (require: Requirement, request: AccessRequest, policy: Policy) => boolean;
}[];

/** The code of the first need among the bits, if there is any. */
export function firstNeed(bits: number): (typeof NEEDS)[number]['code'] | undefined {
  return NEEDS.find(({ bit }) => (bits & bit) !== 0)?.code;
}

/**
 * The grants of the principal's roles that concern the request: its action, the field if one is known,
 * and for detokenize their hours, addresses and item count. A grant whose condition does not hold is
 * as if absent.
 */
export function findMatches(policy: Policy, request: AccessRequest, field?: string): Match[] {
  const matches: Match[] = [];
  for (const role of request.principal.roles) {
    for (const grant of policy.roles.get(role) ?? []) {
      const lacks = evaluate(grant, { policy, request, field });
      if (lacks !== undefined) {
        matches.push({ grant, lacks });
      }
    }
  }
  return matches;
}

type Context = { policy: Policy; request: AccessRequest; field: string | undefined };

/**
 * `undefined` when the grant does not concern the request. What cannot be evaluated takes the safe
 * side: an allow is absent, and a deny applies (skipping it would let whoever can provoke the error
 * lift the deny).
 */
function evaluate(grant: Grant, { policy, request, field }: Context): number | undefined {
  try {
    if (!grant.actions.has(request.action)) {
      return undefined;
    }
    if (field !== undefined && grant.fields !== '*' && !grant.fields.has(field)) {
      return undefined;
    }
    if (request.action !== 'detokenize') {
      return 0;
    }
    return isInForce(grant.require, request) ? lacksOf(grant, request, policy) : undefined;
  } catch {
    return grant.effect === 'deny' ? 0 : undefined;
  }
}

function isInForce({ hours, sourceIps, maxItems }: Requirement, request: AccessRequest): boolean {
  return (
    (maxItems === undefined || request.items <= maxItems) &&
    (sourceIps === undefined || sourceIps(request.principal.sourceIp)) &&
    (hours === undefined || isWithinHours(hours, request.atMs))
  );
}

function lacksOf(grant: Grant, request: AccessRequest, policy: Policy): number {
  let bits = 0;
  for (const { bit, isLacked } of NEEDS) {
    if (isLacked(grant.require, request, policy)) {
      bits |= bit;
    }
  }
  return bits;
}

/** An undeclared purpose counts as absent (DESIGN §5). */
function lacksPurpose(require: Requirement, { purpose }: AccessRequest, policy: Policy): boolean {
  return require.purpose === true && (purpose === undefined || !policy.purposes.has(purpose));
}

function lacksMfa(require: Requirement, { principal }: AccessRequest): boolean {
  return require.mfa === true && !principal.mfa;
}

function lacksReference(require: Requirement, { reference }: AccessRequest): boolean {
  return (
    require.reference !== undefined && (reference === undefined || !require.reference(reference))
  );
}
