import type { Leaf } from './read-leaf.ts';

/** An event as those see it who may read the log. Members are absent where there is nothing to say. */
export type EventView = {
  id: string;
  /** Its place in its shard. */
  index: number;
  shard: string;
  /** RFC 3339, UTC. */
  time: string;
  action: string;
  outcome: Leaf['out'];
  /** HTTP status of the answer. */
  status: number;
  reason?: string;
  vault?: string;
  policy?: string;
  /** How many tokens, values or events the request touched. */
  items: number;
  /** How many like requests it stands for. */
  count?: number;
  attributes?: { readonly [name: string]: unknown };
  actor?: {
    subject?: string | undefined;
    issuer?: string | undefined;
    credential?: string | undefined;
    mfa?: boolean | undefined;
  };
  source?: { ip?: string | undefined; userAgent?: string | undefined };
  tokens?: readonly string[];
  fields?: readonly string[];
  view?: string;
  purpose?: string;
  reference?: string;
  requestId?: string;
  /** What somebody who read the log asked for. */
  query?: { readonly [name: string]: unknown };
  /** Disclosures that the leaf vouches for and that cannot be opened any more. */
  erased?: readonly ('who' | 'what')[];
};

/** Whether a disclosure of the event could be opened, and its value then. */
export type ViewedDisclosure = { value: unknown } | undefined;

/**
 * Puts leaf and disclosures together, by the names of the API (AUDIT-LOG §5.2). A disclosure that is not
 * there counts as erased when the leaf has digests: what the log writes of itself has none.
 */
export function viewEvent(input: {
  leaf: Leaf;
  index: number;
  shard: string;
  who: ViewedDisclosure;
  what: ViewedDisclosure;
}): EventView {
  const { leaf, index, shard, who, what } = input;
  const hasDigests = leaf._sd.length > 0;
  const erased = (['who', 'what'] as const).filter(
    (label) => hasDigests && input[label] === undefined,
  );
  return present({
    id: leaf.id,
    index,
    shard,
    time: new Date(leaf.t).toISOString(),
    action: leaf.op,
    outcome: leaf.out,
    status: leaf.rc,
    reason: leaf.rsn,
    vault: leaf.vlt,
    policy: leaf.pol,
    items: leaf.n,
    count: leaf.cnt,
    attributes: leaf.attr,
    ...viewWho(membersOf(who?.value)),
    ...viewWhat(membersOf(what?.value)),
    erased: erased.length === 0 ? undefined : erased,
  });
}

type Members = { readonly [name: string]: unknown };

/** The reverse of `whoDisclosure`. */
function viewWho({ actor, src }: Members): Partial<EventView> {
  const { cred, iss, mfa, sub } = membersOf(actor);
  const { ip, ua } = membersOf(src);
  return present({
    actor:
      actor === undefined
        ? undefined
        : present({
            subject: textOf(sub),
            issuer: textOf(iss),
            credential: textOf(cred),
            mfa: typeof mfa === 'boolean' ? mfa : undefined,
          }),
    source: src === undefined ? undefined : present({ ip: textOf(ip), userAgent: textOf(ua) }),
  });
}

/** The reverse of `whatDisclosure`. */
function viewWhat({ tok, fld, view, qry, req }: Members): Partial<EventView> {
  const { id, purpose, reference } = membersOf(req);
  return present({
    tokens: textsOf(tok),
    fields: textsOf(fld),
    view: textOf(view),
    purpose: textOf(purpose),
    reference: textOf(reference),
    requestId: textOf(id),
    query: qry === undefined ? undefined : membersOf(qry),
  });
}

function membersOf(value: unknown): Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Members)
    : {};
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function textsOf(value: unknown): string[] | undefined {
  return Array.isArray(value) && value.every((one) => typeof one === 'string') ? value : undefined;
}

type Present<Members> = { [Name in keyof Members]: Exclude<Members[Name], undefined> };

/** Without the members that are `undefined`. */
function present<All extends object>(members: All): Present<All> {
  return Object.fromEntries(
    Object.entries(members).filter(([, value]) => value !== undefined),
  ) as Present<All>;
}
