import type { Pool } from 'pg';
import { makeLogLeaf } from '../../src/adapters/postgres/audit/log-leaf.ts';
import {
  appendSegment,
  type SequencedEvent,
  type WriterProgress,
} from '../../src/adapters/postgres/audit/segment.ts';
import { inTransaction } from '../../src/adapters/postgres/session.ts';
import { termOf } from '../../src/crypto/audit-term.ts';
import { disclose } from '../../src/crypto/disclosure.ts';
import type { Keysets } from '../../src/crypto/keysets.ts';
import { randomBytes } from '../../src/crypto/random.ts';
import { type AuditEvent, LOG_OPERATIONS } from '../../src/domain/audit/event.ts';
import { leafJson, whatDisclosure, whoDisclosure } from '../../src/domain/audit/leaf.ts';
import { readLeaf } from '../../src/domain/audit/read-leaf.ts';
import { type Edge, makeEdge } from '../../src/tlog/edge.ts';
import { emptyRoot } from '../../src/tlog/hash.ts';

type Deps = { pool: Pool; keysets: Keysets };

/** A shard that was filled without writers and sequencer; `logId` 1 in an empty database. */
export type FilledLog = {
  logId: number;
  edge: Edge;
  /** Event ids, in order of index. */
  ids: readonly string[];
  /** One more segment. */
  append(events: readonly GivenEvent[], writers?: readonly WriterProgress[]): Promise<void>;
};

/** An event with the time that it shall have, its writer if it shall have one, and whose key seals it. */
export type GivenEvent = AuditEvent & {
  atMs?: number;
  writer?: readonly [string, number];
  /** `_system` when absent. */
  vaultId?: number;
};

/** Opens a shard as the service role does, and appends segments to it directly. */
export async function openFilledLog(
  deps: Deps,
  { shard = '2026', origin = 'log.test/audit/2026' } = {},
): Promise<FilledLog> {
  const logId = await inTransaction(deps.pool, async (session) => {
    const [row] = await session.rows<{ id: number }>({
      text: 'select audit_open((select log_id from audit_log where state = $1), $2, $3, $4) as id',
      values: ['active', shard, origin, emptyRoot()],
    });
    return row?.id ?? 0;
  });
  const edge = makeEdge();
  const ids: string[] = [];
  return {
    logId,
    edge,
    ids,
    append: async (given, writers = []) => {
      const events = await Promise.all(given.map((event) => sequence(deps, event)));
      ids.push(...events.map(({ leaf }) => leaf.id));
      await inTransaction(deps.pool, (session) =>
        appendSegment(session, { logId, edge, events, writers }),
      );
    },
  };
}

/** A plain event of a caller. */
export function sampleEvent(more: Partial<GivenEvent> = {}): GivenEvent {
  return {
    operation: 'detokenize',
    outcome: 'allow',
    status: 200,
    vault: 'demo',
    policy: '1:ab',
    items: 1,
    who: {
      actor: { subject: 'ada', issuer: 'https://id.test', credential: 'jwt:k1', mfa: false },
      source: { ip: '192.0.2.1' },
    },
    what: { requestId: 'r1', tokens: ['tok_1'], fields: ['email'], view: 'masked' },
    ...more,
  };
}

/** Makes leaf, sealed disclosures and terms as the writer does. */
async function sequence({ keysets }: Deps, event: GivenEvent): Promise<SequencedEvent> {
  const { atMs = Date.now(), writer, vaultId = 0 } = event;
  const own = LOG_OPERATIONS.find((operation) => operation === event.operation);
  if (own !== undefined) {
    const { attributes = {} } = event;
    return makeLogLeaf({ operation: own, attributes }, { atMs, random: randomBytes });
  }
  const id = randomBytes(16).toString('base64url');
  const who = disclose('who', whoDisclosure(event), randomBytes);
  const what = disclose('what', whatDisclosure(event), randomBytes);
  const digests = [who.digest, what.digest];
  const bytes = Buffer.from(leafJson({ event, id, atMs, digests, ...(writer && { writer }) }));
  const leaf = readLeaf(bytes);
  if (leaf === undefined) {
    throw new Error('the leaf cannot be read');
  }
  const cipher = await keysets.privateCipher(vaultId, atMs);
  const key = await keysets.auditTerm(atMs);
  const { actor } = event.who;
  const { tokens = [], purpose, reference } = event.what;
  return {
    bytes,
    leaf,
    who: { vaultId, sealed: cipher.seal('who', id, Buffer.from(who.disclosure, 'ascii')) },
    what: { vaultId, sealed: cipher.seal('what', id, Buffer.from(what.disclosure, 'ascii')) },
    terms: [
      ...tokens.map((token) => termOf(key, 'token', token)),
      ...(actor === undefined ? [] : [termOf(key, 'actor', actor.subject)]),
      ...(purpose === undefined ? [] : [termOf(key, 'purpose', purpose)]),
      ...(reference === undefined ? [] : [termOf(key, 'reference', reference)]),
    ],
  };
}
