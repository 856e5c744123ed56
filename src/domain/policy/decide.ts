import type { ErrorCode } from '../errors.ts';
import { type AccessRequest, findMatches, firstNeed, type Match } from './match.ts';
import {
  type Action,
  type Budget,
  type Field,
  type Grant,
  type Policy,
  TOKEN_ACTIONS,
} from './policy.ts';

export type { AccessRequest };

/** A budget that a reveal has to be taken from, and the grant that it belongs to. */
export type BudgetDue = Budget & { grant: string };

/** The answer. */
export type Decision = {
  allowed: boolean;
  /** What the client sees; present exactly when not allowed. */
  code?: ErrorCode;
  /** For the log: the grants that decided (`role:support[0]`), or `default_deny`. Never a value. */
  reasons: readonly string[];
  obligations: {
    approvals: number;
    /** Of an allowed detokenize: absent when a grant without a budget allows it, too. */
    budget?: BudgetDue;
  };
  /** The views that are granted, sorted; present exactly with `view_not_granted`. */
  views?: readonly string[];
};

const NO_OBLIGATIONS = { approvals: 0 };
const DEFAULT_DENY = ['default_deny'];

/** True when the policy knows a role of the principal. To anyone else the vault does not exist. */
export function hasRole(policy: Policy, roles: readonly string[]): boolean {
  return roles.some((role) => policy.roles.has(role));
}

/**
 * Decides what can be decided before a token is looked up: whether the action is granted on any field,
 * and whether every grant of it needs a purpose, a second factor or a reference that the request
 * lacks. For an action on tokens or values `allowed` is no permission yet: `decide` has to follow.
 */
export function decideAction(policy: Policy, request: AccessRequest): Decision {
  const matches = findMatches(policy, request);
  const denied = matches.find(
    ({ grant }) => grant.effect === 'deny' && deniesOutright(grant, request.action),
  );
  if (denied !== undefined) {
    return refuse('forbidden', [denied.grant.id]);
  }
  const allows = matches.filter(isAllow);
  if (allows.length === 0) {
    return refuse('forbidden', DEFAULT_DENY);
  }
  const code = firstNeed(lackedByAll(allows));
  return code === undefined ? allow(allows) : refuse(code, idsOf(allows));
}

/**
 * Decides about one field, and for detokenize one view of it: default deny, deny wins, a grant that
 * cannot be evaluated denies. Where a grant is missing, a token looks like one that does not exist
 * (DESIGN §10). A field that the policy does not have is granted to nobody, not even by `*`.
 */
export function decide(policy: Policy, request: AccessRequest): Decision {
  if (!TOKEN_ACTIONS.has(request.action)) {
    return decideAction(policy, request);
  }
  const field = request.field === undefined ? undefined : policy.fields.get(request.field);
  if (field === undefined) {
    return refuse(codeWithoutGrant(request.action), DEFAULT_DENY);
  }
  const matches = findMatches(policy, request, field.name);
  const denied = matches.find(
    ({ grant }) => grant.effect === 'deny' && deniesField(grant, request.action),
  );
  if (denied !== undefined) {
    return refuse(codeWithoutGrant(request.action), [denied.grant.id]);
  }
  const allows = matches.filter(isAllow);
  if (allows.length === 0) {
    return refuse(codeWithoutGrant(request.action), DEFAULT_DENY);
  }
  return request.action === 'detokenize'
    ? decideView(matches, field, request.view ?? 'full')
    : allow(allows);
}

/** The last step of a reveal. `matches` hold an allow of the field and no deny of all its views. */
function decideView(matches: readonly Match[], field: Field, view: string): Decision {
  if (!isViewGranted(matches, field, view)) {
    const views = ['full', ...field.views.keys()]
      .filter((name) => isViewGranted(matches, field, name))
      .sort();
    const denies = matches.filter(({ grant }) => grant.effect === 'deny' && covers(grant, view));
    const reasons = denies.length > 0 ? idsOf(denies) : DEFAULT_DENY;
    return { ...refuse('view_not_granted', reasons), views };
  }
  const candidates = matches.filter((match) => isAllow(match) && covers(match.grant, view));
  const satisfied = candidates.filter(({ lacks }) => lacks === 0);
  if (satisfied.length === 0) {
    // What all of them lack comes first, as in `decideAction`; then what any of them lacks.
    const code = firstNeed(lackedByAll(candidates)) ?? firstNeed(lackedByAny(candidates));
    return refuse(code ?? 'forbidden', idsOf(candidates));
  }
  const approvals = Math.min(...satisfied.map(approvalsOf));
  return approvals > 0
    ? { ...refuse('approval_required', idsOf(satisfied)), obligations: { approvals } }
    : allowReveal(satisfied.filter((match) => approvalsOf(match) === 0));
}

/** One grant suffices: the most generous one is used, so that a further role never takes away. */
function allowReveal(matches: readonly Match[]): Decision {
  let due: BudgetDue | undefined;
  for (const { grant } of matches) {
    if (grant.budget === undefined) {
      return allow(matches);
    }
    const other = { ...grant.budget, grant: grant.id };
    due = due === undefined || isMoreGenerous(other, due) ? other : due;
  }
  return due === undefined
    ? allow(matches)
    : { ...allow(matches), obligations: { approvals: 0, budget: due } };
}

/** By rate, then by the size of the window, then by name: a total order, so that the choice is always the same. */
function isMoreGenerous(one: BudgetDue, other: BudgetDue): boolean {
  const [rate, otherRate] = [one.tokens / one.perMs, other.tokens / other.perMs];
  if (rate !== otherRate) {
    return rate > otherRate;
  }
  return one.tokens === other.tokens ? one.grant < other.grant : one.tokens > other.tokens;
}

function isViewGranted(matches: readonly Match[], field: Field, view: string): boolean {
  return (
    (view === 'full' || field.views.has(view)) &&
    matches.some((match) => isAllow(match) && covers(match.grant, view)) &&
    !matches.some((match) => !isAllow(match) && covers(match.grant, view))
  );
}

const isAllow = ({ grant }: Match): boolean => grant.effect === 'allow';

const covers = ({ views }: Grant, view: string): boolean => views === '*' || views.has(view);

const approvalsOf = ({ grant }: Match): number => grant.require.approvals ?? 0;

const lackedByAll = (matches: readonly Match[]): number =>
  matches.reduce((bits, { lacks }) => bits & lacks, -1);

const lackedByAny = (matches: readonly Match[]): number =>
  matches.reduce((bits, { lacks }) => bits | lacks, 0);

/** Views bind detokenize only: to any other action a deny with views is a deny of the field. */
const deniesField = ({ views }: Grant, action: Action): boolean =>
  action !== 'detokenize' || views === '*';

/** Fields bind actions on tokens only: to any other action a deny with fields is a plain deny. */
const deniesOutright = (grant: Grant, action: Action): boolean =>
  !TOKEN_ACTIONS.has(action) || (grant.fields === '*' && deniesField(grant, action));

/** Who names a token must not learn that it exists; who names a field knows that already. */
function codeWithoutGrant(action: Action): ErrorCode {
  const namesToken =
    action === 'detokenize' || action === 'token.inspect' || action === 'token.revoke';
  return namesToken ? 'token_not_found' : 'forbidden';
}

const idsOf = (matches: readonly Match[]): string[] => matches.map(({ grant }) => grant.id);

const allow = (matches: readonly Match[]): Decision => ({
  allowed: true,
  reasons: idsOf(matches),
  obligations: NO_OBLIGATIONS,
});

const refuse = (code: ErrorCode, reasons: readonly string[]): Decision => ({
  allowed: false,
  code,
  reasons,
  obligations: NO_OBLIGATIONS,
});
