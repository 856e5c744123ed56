import type { EventView } from '../../domain/audit/event-view.ts';
import { hashLeaf } from '../../tlog/hash.ts';
import type { ExportedEvent } from './events.ts';

const SCHEMA_VERSION = '1.8.0';
/** API Activity, of the category Application Activity. */
const CLASS_UID = 6003;
const CATEGORY_UID = 6;
const PRODUCT = 'Counterfoil';

/** Activities of the class; what creates, reads, changes or deletes nothing is `Other`. */
const ACTIVITY = { create: 1, read: 2, update: 3, delete: 4, other: 99 } as const;

const ACTIVITIES: Readonly<Record<string, keyof typeof ACTIVITY>> = {
  tokenize: 'create',
  'vault.create': 'create',
  'vault.restore': 'create',
  lookup: 'read',
  detokenize: 'read',
  'token.inspect': 'read',
  'audit.read': 'read',
  'audit.search': 'read',
  'audit.export': 'read',
  'vault.export': 'read',
  'policy.load': 'update',
  'token.revoke': 'delete',
  'audit.erase': 'delete',
  'audit.prune': 'delete',
  'key.destroy': 'delete',
};

/** Status, action and disposition (profile `security_control`), and severity, of an outcome. */
const OUTCOMES = {
  allow: { status_id: 1, action_id: 1, disposition_id: 1, severity_id: 1 },
  deny: { status_id: 2, action_id: 2, disposition_id: 2, severity_id: 2 },
  // The request failed: whether it had been allowed by then, the event does not say.
  error: { status_id: 2, action_id: 0, disposition_id: 27, severity_id: 3 },
} as const satisfies Record<EventView['outcome'], object>;

/** Events that are missing from the log are no routine, although the log itself reports them. */
const SEVERITY_OF_GAP = 4;

/** Where and by whom the events were written. */
export type OcsfContext = { origin: string; version: string };

/**
 * One event as OCSF 1.8.0 API Activity (AUDIT-LOG §5.3), one line of JSON. What OCSF has no place for is in
 * `unmapped`: there `tlog` names the leaf, by which the line can be proved.
 */
export function renderOcsf(event: ExportedEvent, context: OcsfContext): string {
  return `${JSON.stringify(ocsfEvent(event, context))}\n`;
}

function ocsfEvent({ view, bytes }: ExportedEvent, { origin, version }: OcsfContext): object {
  const activity = ACTIVITIES[view.action] ?? 'other';
  const activity_id = ACTIVITY[activity];
  return {
    class_uid: CLASS_UID,
    category_uid: CATEGORY_UID,
    activity_id,
    ...(activity === 'other' && { activity_name: view.action }),
    type_uid: CLASS_UID * 100 + activity_id,
    time: Date.parse(view.time),
    ...OUTCOMES[view.outcome],
    ...(view.action === 'audit.gap' && { severity_id: SEVERITY_OF_GAP }),
    status_code: String(view.status),
    status_detail: view.reason,
    count: view.count,
    metadata: {
      version: SCHEMA_VERSION,
      profiles: ['security_control'],
      product: { name: PRODUCT, vendor_name: PRODUCT, version },
      uid: view.id,
      event_code: view.action,
      log_name: origin,
      sequence: view.index,
      correlation_uid: view.requestId,
    },
    actor: { ...actorOf(view), authorizations: authorizationsOf(view) },
    src_endpoint: endpointOf(view),
    http_request: view.source?.userAgent && { user_agent: view.source.userAgent },
    api: {
      operation: view.action,
      version: 'v1',
      service: { name: PRODUCT },
      request: view.requestId && { uid: view.requestId },
      response: { code: view.status },
    },
    resources: resourcesOf(view),
    unmapped: {
      tlog: { origin, index: view.index, leaf_hash: hashLeaf(bytes).toString('hex') },
      counterfoil: unmappedOf(view),
    },
  };
}

/**
 * OCSF demands an actor, and that it is named. Where the log has none, the name says why: it was erased, the
 * caller had no valid credential, or the service acted by itself. Such a name has the type `Other`, which no
 * caller has: nobody can pass for it.
 */
function actorOf({ actor, source, erased = [] }: EventView): object {
  if (actor !== undefined) {
    const { subject, issuer, credential } = actor;
    return {
      user: { uid: subject ?? 'unknown', type_id: 0, domain: issuer, credential_uid: credential },
    };
  }
  if (erased.includes('who')) {
    return { user: { uid: 'erased', type_id: 99, type: 'Erased' } };
  }
  return source === undefined
    ? { app_name: PRODUCT }
    : { user: { uid: 'unauthenticated', type_id: 99, type: 'Unauthenticated' } };
}

/** Demanded, and must be named, just as the actor. */
function endpointOf({ source, erased = [] }: EventView): object {
  if (source?.ip !== undefined) {
    return { ip: source.ip };
  }
  return erased.includes('who') ? { name: 'erased' } : { svc_name: PRODUCT };
}

function authorizationsOf({ policy, outcome, vault }: EventView): object[] | undefined {
  return policy === undefined
    ? undefined
    : [{ decision: outcome, policy: { name: vault, uid: policy, is_applied: true } }];
}

function resourcesOf({ vault, tokens = [] }: EventView): object[] | undefined {
  const resources = [
    ...(vault === undefined ? [] : [{ uid: vault, type: 'vault' }]),
    ...tokens.map((token) => ({ uid: token, type: 'token', namespace: vault })),
  ];
  return resources.length === 0 ? undefined : resources;
}

function unmappedOf(event: EventView): object {
  const { items, fields, view, purpose, reference, attributes, query, actor, erased } = event;
  return { items, fields, view, purpose, reference, attributes, query, mfa: actor?.mfa, erased };
}
