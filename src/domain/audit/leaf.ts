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
 * @throws VaultError `internal` when the leaf is longer than 65,535 bytes
 */
export function leafJson({ event, id, atMs, writer, digests }: LeafInput): string {
  const leaf = canonicalJson({
    _sd: [...digests].sort(),
    attr: event.attributes,
    cnt: event.count,
    id,
    n: event.items,
    op: event.operation,
    out: event.outcome,
    pol: event.policy,
    rc: event.status,
    rsn: event.reason,
    t: atMs,
    v: 1,
    vlt: event.vault,
    w: writer,
  });
  if (utf8Length(leaf) > MAX_LEAF_BYTES) {
    throw new VaultError('internal', { detail: 'an audit leaf is over 65,535 bytes' });
  }
  return leaf;
}

/** The disclosure `who`: caller and origin, by the names of AUDIT-LOG §5.1. Personal data. */
export function whoDisclosure({ who: { actor, source } }: AuditEvent): unknown {
  return present({
    actor:
      actor &&
      present({
        cred: actor.credential,
        iss: actor.issuer,
        mfa: actor.mfa,
        sub: actor.subject,
      }),
    src: source && present({ ip: source.ip, ua: source.userAgent }),
  });
}

/** The disclosure `what`: token references and the declared reason, by the names of AUDIT-LOG §5.2. */
export function whatDisclosure({ what }: AuditEvent): unknown {
  return present({
    fld: what.fields,
    qry: what.query,
    req: present({
      id: what.requestId,
      purpose: what.purpose,
      reference: what.reference,
    }),
    tok: what.tokens,
    view: what.view,
  });
}

/** The members that are there, in the order written above, with texts that every reader can decode. */
function present(members: Record<string, Json>): { [key: string]: Json } {
  return Object.fromEntries(
    Object.entries(members).flatMap(([key, value]) =>
      value === undefined ? [] : [[key, wellFormed(value)]],
    ),
  );
}

function wellFormed(value: Json): Json {
  if (typeof value === 'string') {
    return value.toWellFormed();
  }
  if (Array.isArray(value)) {
    return value.map(wellFormed);
  }
  return typeof value === 'object' ? present(value as Record<string, Json>) : value;
}
