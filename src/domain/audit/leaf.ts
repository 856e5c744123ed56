import { VaultError } from '../errors.ts';
import { utf8Length } from '../utf8.ts';
import type { AuditEvent } from './event.ts';
import { canonicalJson, type Json } from './jcs.ts';

/** Entry bundles carry a u16 length (C2SP tlog-tiles): a leaf that is longer cannot be served. */
const MAX_LEAF_BYTES = 65_535;

/** What the writer adds to an event when it becomes a leaf. */
type LeafInput = {
  event: AuditEvent;
  /** 128 random bits, base64url: nobody can guess a leaf and find its hash in the tree. */
  id: string;
  atMs: number;
  /**
   * Boot id and the writer's own sequence number: what makes gaps visible (AUDIT-LOG §4.5). Absent for
   * what the log writes of itself.
   */
  writer?: readonly [bootId: string, seq: number];
  /** SD-JWT digests (RFC 9901) of the disclosures, in any order. */
  digests: readonly string[];
};

/**
 * The bytes of a leaf, as the text whose UTF-8 they are: RFC 8785 JSON (AUDIT-LOG §4.1, §5.2), stored
 * and served verbatim. No `ten`: here the vault is the isolation boundary. Nothing personal is in it,
 * only digests; they are sorted, so that their order tells nothing (RFC 9901 §4.2.4.1).
 *
 * Written member by member, in canonical order: for every event of the service, sorting the same keys again
 * cost 6 µs. A test holds it against `canonicalJson`.
 * @throws VaultError `internal` when the leaf is longer than 65,535 bytes
 */
export function leafJson({ event, id, atMs, writer, digests }: LeafInput): string {
  const leaf =
    `{"_sd":${canonicalJson([...digests].sort())}` +
    member('attr', event.attributes) +
    member('cnt', event.count) +
    member('id', id) +
    member('n', event.items) +
    member('op', event.operation) +
    member('out', event.outcome) +
    member('pol', event.policy) +
    member('rc', event.status) +
    member('rsn', event.reason) +
    member('t', atMs) +
    member('v', 1) +
    member('vlt', event.vault) +
    member('w', writer) +
    '}';
  // No character has more than three bytes: a short text need not be counted.
  if (leaf.length * 3 > MAX_LEAF_BYTES && utf8Length(leaf) > MAX_LEAF_BYTES) {
    throw new VaultError('internal', { detail: 'an audit leaf is over 65,535 bytes' });
  }
  return leaf;
}

/** A member that is not the first one; nothing when it is absent. */
function member(key: string, value: Json): string {
  return value === undefined ? '' : `,"${key}":${canonicalJson(value)}`;
}

/** The disclosure `who`: caller and origin, by the names of AUDIT-LOG §5.1. Personal data. */
export function whoDisclosure({ who: { actor, source } }: AuditEvent): unknown {
  return wellFormed({
    actor: actor && {
      cred: actor.credential,
      iss: actor.issuer,
      mfa: actor.mfa,
      sub: actor.subject,
    },
    src: source && { ip: source.ip, ua: source.userAgent },
  });
}

/** The disclosure `what`: token references and the declared reason, by the names of AUDIT-LOG §5.2. */
export function whatDisclosure({ what }: AuditEvent): unknown {
  return wellFormed({
    fld: what.fields,
    qry: what.query,
    req: { id: what.requestId, purpose: what.purpose, reference: what.reference },
    tok: what.tokens,
    view: what.view,
  });
}

/** With the members that are there, in the order written above, and texts that every reader can decode. */
function wellFormed(value: Json): Json {
  if (typeof value === 'string') {
    return value.toWellFormed();
  }
  if (typeof value !== 'object') {
    return value;
  }
  return Array.isArray(value) ? value.map(wellFormed) : present(value as Members);
}

type Members = { readonly [name: string]: Json };

function present(members: Members): Members {
  const found: { [name: string]: Json } = {};
  for (const name of Object.keys(members)) {
    const value = members[name];
    if (value !== undefined) {
      found[name] = wellFormed(value);
    }
  }
  return found;
}
