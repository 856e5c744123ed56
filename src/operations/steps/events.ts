import type { AuditEvent } from '../../domain/audit/event.ts';
import { ERRORS, type ErrorCode, type VaultError } from '../../domain/errors.ts';
import type { Action } from '../../domain/policy/policy.ts';
import type { Call } from '../call.ts';
import type { RevealContext } from '../operation.ts';
import type { Vault } from '../ports/vault-registry.ts';
import type { Session } from './access.ts';

/** As many as a batch has: events, and the batches that they are written in, stay small. */
const MAX_EVENT_ITEMS = 1_000;

/** What a request is about, for its event, whether its work succeeds or not. */
export type About = {
  action: Action;
  items: number;
  /** Tokens and fields that the request names. */
  tokens?: readonly string[];
  fields?: readonly string[];
  reveal?: RevealContext;
  /** The caller's reference of the person whom the request is about. On record as a keyed digest. */
  person?: string;
  /** What was looked for; nothing that could be personal but as keyed digests. */
  query?: AuditEvent['what']['query'];
};

/** The fate of one item of a request: what it was about, and why it failed if it did. */
export type Fate = { token?: string; field?: string; failure?: VaultError };

/** What one event can be about: what was allowed, or what failed for one reason. */
type EventKey = ErrorCode | 'allowed';

/** As much of the session as the request got to: the vault may be unknown, its keys out of reach. */
export type Seen = Partial<Omit<Session, 'notes'>> & { call: Call };

/** The event of a request that failed as a whole, or before its items were told apart. */
export function eventOfCall(
  seen: Seen,
  about: About,
  key: ErrorCode | 'allowed' = 'allowed',
): AuditEvent {
  return eventOf(seen, about, key);
}

/**
 * The event that says of another one that its answer did not leave, because what it rests on was over. `event`:
 * the request as it would have succeeded.
 */
export function asWithheld(event: AuditEvent, { eventId }: { eventId: string }): AuditEvent {
  return {
    ...event,
    outcome: 'error',
    status: ERRORS.overloaded.status,
    reason: 'outdated',
    attributes: { withheld: eventId },
  };
}

/**
 * One event per outcome and reason among the fates of a request's items, the allowed ones first; several where
 * there are more items than one event holds. A request that touched nothing has an event all the same.
 */
export function eventsOfFates(seen: Seen, about: About, fates: readonly Fate[]): AuditEvent[] {
  const [first] = fates;
  if (first === undefined) return [eventOf(seen, about, 'allowed')];
  // Most requests have one item: no groups are made for it.
  if (fates.length === 1) return [eventOfGroup(seen, about, keyOf(first), fates)];
  const groups = new Map<EventKey, Fate[]>();
  for (const fate of fates) {
    const key = keyOf(fate);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [fate]);
    else group.push(fate);
  }
  const keys = [...groups.keys()].sort((a, b) => Number(b === 'allowed') - Number(a === 'allowed'));
  return keys.flatMap((key) =>
    inParts(groups.get(key) ?? []).map((group) => eventOfGroup(seen, about, key, group)),
  );
}

const keyOf = ({ failure }: Fate): EventKey => failure?.code ?? 'allowed';

/** The event about those items of a request that had the same fate. */
function eventOfGroup(seen: Seen, about: About, key: EventKey, group: readonly Fate[]): AuditEvent {
  const tokens: string[] = [];
  const fields: string[] = [];
  for (const { token, field } of group) {
    if (token !== undefined) tokens.push(token);
    if (field !== undefined) fields.push(field);
  }
  return eventOf(seen, { ...about, items: group.length, tokens, fields }, key);
}

function inParts(fates: readonly Fate[]): (readonly Fate[])[] {
  const count = Math.ceil(fates.length / MAX_EVENT_ITEMS);
  return Array.from({ length: count }, (_, part) =>
    fates.slice(part * MAX_EVENT_ITEMS, (part + 1) * MAX_EVENT_ITEMS),
  );
}

function eventOf(seen: Seen, about: About, key: EventKey): AuditEvent {
  const { call, vault, cipher } = seen;
  return {
    operation: about.action,
    ...outcomeOf(key),
    ...(vault === undefined ? {} : { vault: vault.name, policy: vault.policyRef }),
    items: about.items,
    who: whoOf(call),
    what: {
      requestId: call.requestId,
      ...(cipher === undefined || about.tokens === undefined || about.tokens.length === 0
        ? {}
        : { tokens: about.tokens.map((token) => cipher.tokenReference(token)) }),
      ...declaredOf(vault, about),
      ...queryOf(cipher, about),
    },
  };
}

function queryOf(cipher: Session['cipher'] | undefined, { query, person }: About) {
  const subject = person === undefined ? undefined : cipher?.subjectDigest(person);
  if (subject === undefined) return query === undefined ? {} : { query };
  return { query: { ...query, subject: `hmac:${subject.toString('base64url')}` } };
}

/** Refusals of the policy are denials; everything else that fails is an error. */
export function outcomeOf(key: EventKey): Pick<AuditEvent, 'outcome' | 'status' | 'reason'> {
  if (key === 'allowed') return { outcome: 'allow', status: 200 };
  const { status } = ERRORS[key];
  const denied = status === 401 || status === 403 || status === 404;
  return { outcome: denied ? 'deny' : 'error', status, reason: key };
}

/** The actor and source of an event, from what the transport established. */
export function whoOf({
  principal,
  source,
}: Pick<Call, 'principal' | 'source'>): AuditEvent['who'] {
  const { subject, issuer, credential, mfa } = principal;
  return { actor: { subject, issuer, credential, mfa }, source };
}

/**
 * Fields, purpose and view go on record only when the policy declares them: other text could be
 * anything, a value pasted into the wrong member included. The reference is the caller's evidence and
 * is kept as it is.
 */
function declaredOf(vault: Vault | undefined, about: About): Partial<AuditEvent['what']> {
  const { view, purpose, reference } = about.reveal ?? {};
  if (vault === undefined) return {};
  const { fields: declared, purposes } = vault.policy;
  const fields = [...new Set(about.fields)].filter((name) => declared.has(name));
  return {
    ...(fields.length === 0 ? {} : { fields }),
    ...(view !== undefined && isView(declared, view) ? { view } : {}),
    ...(purpose !== undefined && purposes.has(purpose) ? { purpose } : {}),
    ...(reference === undefined ? {} : { reference }),
  };
}

function isView(fields: Vault['policy']['fields'], view: string): boolean {
  if (view === 'full') return true;
  for (const { views } of fields.values()) {
    if (views.has(view)) return true;
  }
  return false;
}
