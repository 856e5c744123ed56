import { purposeFacet, termOf } from '../../crypto/audit-term.ts';
import { monthOf } from '../../crypto/private-cipher.ts';
import type { SecretKey } from '../../crypto/secret.ts';
import type { EventView } from '../../domain/audit/event-view.ts';
import type { Leaf } from '../../domain/audit/read-leaf.ts';
import { VaultError } from '../../domain/errors.ts';
import type { AuditFilter } from '../audit-operations.ts';
import type { EventQuery } from '../ports/audit-reader.ts';
import type { Vault } from '../ports/vault-registry.ts';
import type { AuditDeps } from './audit-deps.ts';
import { type AuditScope, isInScope } from './audit-scope.ts';
import { parseInstant } from './instant.ts';

/** Tokens of one person that a search can look for; more would be answered in part, in silence. */
const MAX_SUBJECT_TOKENS = 1_000;

/** Token references by the name of the vault in whose events they count. */
type References = ReadonlyMap<string, ReadonlySet<string>>;

/** A filter made ready: what the index is asked, and what each hit is held against. */
export type PreparedFilter = {
  ask: Omit<EventQuery, 'before' | 'limit'>;
  /** False when the index need not be asked. */
  canMatch: boolean;
  /** Whether an event with this leaf may match: only then are its disclosures opened. */
  admits: (leaf: Leaf) => boolean;
  /** Whether an admitted event matches. */
  matches: (event: EventView) => boolean;
};

/**
 * Start and end of a search or an export, in milliseconds.
 * @throws VaultError `invalid_request` for what is no time, and for an end before the start
 */
export function periodOf({ from, to }: Pick<AuditFilter, 'from' | 'to'>): {
  fromMs?: number;
  toMs?: number;
} {
  const fromMs = from === undefined ? undefined : parseInstant(from, '/from');
  const toMs = to === undefined ? undefined : parseInstant(to, '/to');
  if (fromMs !== undefined && toMs !== undefined && toMs < fromMs) {
    throw new VaultError('invalid_request', { problems: [{ path: '/to', rule: 'before_from' }] });
  }
  return { ...(fromMs === undefined ? {} : { fromMs }), ...(toMs === undefined ? {} : { toMs }) };
}

/**
 * Turns a filter into blind-index terms under the key of every month that it can concern. Terms are found in
 * what they were made of at the time: an event whose disclosures are erased matches no filter about them.
 */
export async function prepareFilter(
  deps: AuditDeps,
  filter: AuditFilter,
  scope: AuditScope,
): Promise<PreparedFilter> {
  const period = periodOf(filter);
  const keys = await monthKeys(deps, period);
  const { actor, reference, purpose, action, outcome } = filter;
  const references = await referenceGroups(deps, filter, scope);
  const termGroups = [
    ...references.map((group) => termsOf(keys, 'token', textsOf(group))),
    ...(actor === undefined ? [] : [termsOf(keys, 'actor', [actor])]),
    ...(reference === undefined ? [] : [termsOf(keys, 'reference', [reference])]),
  ];
  const facetGroups = [
    ...(action === undefined ? [] : [[`op:${action}`]]),
    ...(outcome === undefined ? [] : [[`out:${outcome}`]]),
    ...(scope.everything ? [] : [scope.vaults.map(({ name }) => `vlt:${name}`)]),
    ...(purpose === undefined ? [] : [termsOf(keys, 'purpose', [purpose]).map(purposeFacet)]),
  ];
  return {
    ask: { termGroups, facetGroups, ...period },
    canMatch: [...termGroups, ...facetGroups].every((group) => group.length > 0),
    admits: (leaf) => admits(leaf, { filter, scope, period }),
    matches: (event) => matches(event, { filter, references }),
  };
}

const isAsked = <Text>(asked: Text | undefined, found: Text | undefined) =>
  asked === undefined || asked === found;

/** Holds a leaf against the filter: the index knows 64 bits of a hash. */
function admits(
  leaf: Leaf,
  ask: { filter: AuditFilter; scope: AuditScope; period: ReturnType<typeof periodOf> },
): boolean {
  const { fromMs = Number.NEGATIVE_INFINITY, toMs = Number.POSITIVE_INFINITY } = ask.period;
  return (
    isInScope(ask.scope, leaf.vlt) &&
    fromMs <= leaf.t &&
    leaf.t < toMs &&
    isAsked(ask.filter.action, leaf.op) &&
    isAsked(ask.filter.outcome, leaf.out)
  );
}

/** Holds an opened event against the rest of the filter. */
function matches(
  event: EventView,
  { filter, references }: { filter: AuditFilter; references: readonly References[] },
): boolean {
  return (
    isAsked(filter.actor, event.actor?.subject) &&
    isAsked(filter.purpose, event.purpose) &&
    isAsked(filter.reference, event.reference) &&
    references.every((group) => hasReference(event, group))
  );
}

function hasReference({ vault, tokens = [] }: EventView, group: References): boolean {
  const wanted = vault === undefined ? undefined : group.get(vault);
  return wanted !== undefined && tokens.some((token) => wanted.has(token));
}

/** The references that `token` and `subject` stand for: one group each, of which an event needs one. */
async function referenceGroups(
  deps: AuditDeps,
  { token, subject }: AuditFilter,
  scope: AuditScope,
): Promise<References[]> {
  const groups: Promise<References>[] = [];
  if (token !== undefined) groups.push(referencesIn(deps, scope.vaults, async () => [token]));
  if (subject !== undefined) {
    groups.push(referencesIn(deps, scope.vaults, (vault) => tokensOf(deps, vault, subject)));
  }
  return Promise.all(groups);
}

/** How each vault's events name these tokens. */
async function referencesIn(
  { keys }: AuditDeps,
  vaults: readonly Vault[],
  find: (vault: Vault) => Promise<readonly string[]>,
): Promise<References> {
  const named = vaults.map(async (vault): Promise<[string, Set<string>]> => {
    const [cipher, tokens] = await Promise.all([keys.cipherOf(vault.id), find(vault)]);
    return [vault.name, new Set(tokens.map((token) => cipher.tokenReference(token)))];
  });
  return new Map(await Promise.all(named));
}

/** The live tokens of a person. */
async function tokensOf(deps: AuditDeps, { id }: Vault, subject: string): Promise<string[]> {
  const cipher = await deps.keys.cipherOf(id);
  const digest = cipher.subjectDigest(subject);
  const limit = MAX_SUBJECT_TOKENS + 1;
  const tokens = await deps.tokens.findOfSubject({ vaultId: id, digest, limit });
  if (tokens.length === limit) {
    throw new VaultError('invalid_request', {
      problems: [{ path: '/subject', rule: 'max_tokens' }],
    });
  }
  return tokens;
}

const textsOf = (group: References) => new Set([...group.values()].flatMap((texts) => [...texts]));

/** The term of each text in each month. */
function termsOf(
  keys: readonly SecretKey[],
  kind: Parameters<typeof termOf>[1],
  texts: Iterable<string>,
): bigint[] {
  return [...texts].flatMap((text) => keys.map((key) => termOf(key, kind, text).hash));
}

/** The term keys of the months that the period touches. */
async function monthKeys(
  { auditKeys }: AuditDeps,
  { fromMs, toMs }: ReturnType<typeof periodOf>,
): Promise<SecretKey[]> {
  const first = fromMs === undefined ? 0 : monthOf(fromMs);
  const last = toMs === undefined ? Number.POSITIVE_INFINITY : monthOf(toMs);
  const living = await auditKeys.auditTerms();
  return living.filter(({ month }) => first <= month && month <= last).map(({ key }) => key);
}
