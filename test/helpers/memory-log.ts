import type { MemoryAuditLog } from '../../src/adapters/memory/audit-log.ts';
import { eventTerm, purposeFacet, type Term, termOf } from '../../src/crypto/audit-term.ts';
import { disclose } from '../../src/crypto/disclosure.ts';
import { makePrivateCipher, monthOf, type PrivateCipher } from '../../src/crypto/private-cipher.ts';
import { randomBytes } from '../../src/crypto/random.ts';
import { SecretKey } from '../../src/crypto/secret.ts';
import type { AuditEvent } from '../../src/domain/audit/event.ts';
import { leafJson, whatDisclosure, whoDisclosure } from '../../src/domain/audit/leaf.ts';
import { readLeaf } from '../../src/domain/audit/read-leaf.ts';
import type { AuditLog, AuditProgress } from '../../src/operations/ports/audit-log.ts';
import type {
  AuditReader,
  EventQuery,
  PublishedCheckpoint,
  Shard,
  StoredEvent,
} from '../../src/operations/ports/audit-reader.ts';
import { encodeBundle } from '../../src/tlog/bundle.ts';
import { signCheckpoint } from '../../src/tlog/checkpoint.ts';
import { makeEdge } from '../../src/tlog/edge.ts';
import { foldPerfect, HASH_BYTES, hashLeaves } from '../../src/tlog/hash.ts';
import { generateSigningKey, makeNoteSigner, parseSigningKey } from '../../src/tlog/signing-key.ts';
import { hashesAtLevel } from '../../src/tlog/tile.ts';

const ORIGIN = 'log.test/audit/2026';
const LOG_ID = 1;

type Entry = StoredEvent & { terms: Term[]; facets: string[]; atMs: number };

/** The log in memory, for tests of those who read it: one shard, in which an event has its place at once. */
export type MemoryLog = {
  /** Appends to `audit`, and to the tree. */
  audit: AuditLog;
  reader: AuditReader;
  progress: AuditProgress;
  auditKeys: {
    findPrivateCipher: (vaultId: number, atMs: number) => Promise<PrivateCipher | undefined>;
    auditTerm: (atMs: number) => Promise<SecretKey>;
    auditTerms: () => Promise<{ month: number; key: SecretKey }[]>;
  };
  vkeysOf: (origin: string) => Promise<readonly string[]>;
  verifierKey: string;
  /** Publishes a checkpoint over all that is there; `reached('checkpointed')` does so, too. */
  publish: () => void;
  /** From now on nothing is published, or again. */
  setPublishing: (publishing: boolean) => void;
  erase: (eventId: string, label: 'who' | 'what') => void;
  prune: (minIndex: number) => void;
};

export function makeMemoryLog({
  audit,
  clock,
  vaultIdOf,
}: {
  audit: MemoryAuditLog;
  clock: { now(): number };
  vaultIdOf: (name: string) => number;
}): MemoryLog {
  const entries: Entry[] = [];
  const keys = makeMonthKeys();
  const signer = makeNoteSigner(parseSigningKey(generateSigningKey(ORIGIN)));
  const state: { published?: PublishedCheckpoint; minIndex: number; publishing: boolean } = {
    minIndex: 0,
    publishing: true,
  };
  const publish = () => {
    const edge = makeEdge();
    if (entries.length > 0) edge.append(hashLeaves(entries.map(({ leaf }) => leaf)));
    const size = entries.length;
    const note = signCheckpoint({ origin: ORIGIN, size, root: edge.root() }, [signer]);
    state.published = { size, note, publishedAt: new Date(clock.now()) };
  };
  const entryOf = (eventId: string) => entries.find(({ leaf }) => readLeaf(leaf)?.id === eventId);
  return {
    audit: {
      async append(event, basis) {
        const receipt = await audit.append(event, basis);
        const input = { event, id: receipt.eventId, atMs: clock.now(), index: entries.length };
        entries.push(seal(input, keys, vaultIdOf));
        return receipt;
      },
    },
    reader: makeReader(entries, state),
    progress: {
      async reached(stage) {
        if (stage === 'checkpointed' && state.publishing) publish();
        return stage === 'integrated' || state.publishing;
      },
    },
    auditKeys: {
      findPrivateCipher: async (vaultId, atMs) => keys.cipherOf(vaultId, atMs),
      auditTerm: async (atMs) => keys.termKey(monthOf(atMs)),
      auditTerms: async () => keys.termKeys(),
    },
    vkeysOf: async (origin) => (origin === ORIGIN ? [signer.verifierKey] : []),
    verifierKey: signer.verifierKey,
    publish,
    setPublishing: (publishing) => {
      state.publishing = publishing;
    },
    erase: (eventId, label) => entryOf(eventId)?.[label].sealed.fill(0),
    prune: (minIndex) => {
      state.minIndex = minIndex;
    },
  };
}

type MonthKeys = ReturnType<typeof makeMonthKeys>;

function makeMonthKeys() {
  const terms = new Map<number, SecretKey>();
  const ciphers = new Map<string, PrivateCipher>();
  const newKey = () => SecretKey.take(randomBytes(32));
  return {
    termKey(month: number): SecretKey {
      const key = terms.get(month) ?? newKey();
      terms.set(month, key);
      return key;
    },
    termKeys: () =>
      [...terms].map(([month, key]) => ({ month, key })).sort((a, b) => b.month - a.month),
    cipherOf(vaultId: number, atMs: number): PrivateCipher {
      const version = monthOf(atMs);
      const name = `${vaultId}/${version}`;
      const cipher = ciphers.get(name) ?? makePrivateCipher({ vaultId, version, key: newKey() });
      ciphers.set(name, cipher);
      return cipher;
    },
  };
}

function seal(
  { event, id, atMs, index }: { event: AuditEvent; id: string; atMs: number; index: number },
  keys: MonthKeys,
  vaultIdOf: (name: string) => number,
): Entry {
  const who = disclose('who', whoDisclosure(event), randomBytes);
  const what = disclose('what', whatDisclosure(event), randomBytes);
  const digests = [who.digest, what.digest];
  const vaultId = event.vault === undefined ? 0 : vaultIdOf(event.vault);
  const cipher = keys.cipherOf(vaultId, atMs);
  const key = keys.termKey(monthOf(atMs));
  const { tokens = [], purpose, reference } = event.what;
  const sealed = (label: 'who' | 'what', text: string) => ({
    vaultId,
    sealed: cipher.seal(label, id, Buffer.from(text, 'ascii')),
  });
  return {
    logId: LOG_ID,
    index,
    atMs,
    leaf: Buffer.from(leafJson({ event, id, atMs, digests, writer: ['boot', index] })),
    who: sealed('who', who.disclosure),
    what: sealed('what', what.disclosure),
    terms: [
      ...tokens.map((token) => termOf(key, 'token', token)),
      ...[event.who.actor ?? []].flat().map(({ subject }) => termOf(key, 'actor', subject)),
      ...[reference ?? []].flat().map((text) => termOf(key, 'reference', text)),
    ],
    facets: [
      `op:${event.operation}`,
      `out:${event.outcome}`,
      ...(event.vault === undefined ? [] : [`vlt:${event.vault}`]),
      ...(purpose === undefined ? [] : [purposeFacet(termOf(key, 'purpose', purpose).hash)]),
    ],
  };
}

function makeReader(
  entries: readonly Entry[],
  state: { published?: PublishedCheckpoint; minIndex: number },
): AuditReader {
  const size = () => state.published?.size ?? 0;
  const shard = (): Shard => ({
    logId: LOG_ID,
    shard: '2026',
    origin: ORIGIN,
    state: 'active',
    size: entries.length,
    minIndex: state.minIndex,
  });
  return {
    shards: async () => [shard()],
    checkpoint: async () => state.published,
    tile: async (_logId, { level, index, width }) => {
      if (index * 256 + width > hashesAtLevel(size(), level)) return undefined;
      const hashes = Array.from({ length: width }, (_, place) => {
        const span = 256 ** level;
        const first = (index * 256 + place) * span;
        return foldPerfect(hashLeaves(entries.slice(first, first + span).map(({ leaf }) => leaf)));
      });
      return Buffer.concat(hashes, width * HASH_BYTES);
    },
    bundle: async (_logId, { index, width }) => {
      const first = index * 256;
      if (first + width > size() || first + 256 <= state.minIndex) return undefined;
      return encodeBundle(entries.slice(first, first + width).map(({ leaf }) => leaf));
    },
    findEvent: async (eventId) =>
      entries.find(({ leaf, index }) => index >= state.minIndex && readLeaf(leaf)?.id === eventId),
    search: async (query) => searchIn(entries, query),
    async *read(_logId, { from, to }) {
      for (let at = from; at < to; at += 2) yield entries.slice(at, Math.min(at + 2, to));
    },
    erasures: async () => [],
  };
}

/** As the index does: exact in terms and times, in facets only by neighbourhood (two to a segment). */
function searchIn(entries: readonly Entry[], query: EventQuery) {
  const { termGroups, facetGroups, fromMs = 0, toMs = Number.POSITIVE_INFINITY, before } = query;
  const segment = ({ index }: Entry) =>
    entries.filter((other) => Math.floor(other.index / 2) === Math.floor(index / 2));
  const found = entries
    .filter((entry) => entry.index < (before?.index ?? Number.POSITIVE_INFINITY))
    .filter(({ atMs }) => fromMs <= atMs && atMs < toMs)
    .filter(({ terms, leaf }) =>
      termGroups.every((group) =>
        group.some(
          (term) =>
            terms.some(({ hash }) => hash === term) || term === eventTerm(readLeaf(leaf)?.id ?? ''),
        ),
      ),
    )
    .filter((entry) =>
      facetGroups.every((group) =>
        segment(entry).some(({ facets }) => facets.some((facet) => group.includes(facet))),
      ),
    )
    .reverse();
  const events = found.slice(0, query.limit);
  const last = events.at(-1);
  return found.length > events.length && last !== undefined
    ? { events, next: { logId: last.logId, index: last.index } }
    : { events };
}
