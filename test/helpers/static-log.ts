// Makes exported shards in memory, event by event, as the service would have written them.
import { sha256 } from '../../src/crypto/digest.ts';
import { disclose } from '../../src/crypto/disclosure.ts';
import { randomBytes } from '../../src/crypto/random.ts';
import type { AuditEvent } from '../../src/domain/audit/event.ts';
import { leafJson, whatDisclosure, whoDisclosure } from '../../src/domain/audit/leaf.ts';
import { encodeBundle } from '../../src/tlog/bundle.ts';
import { signCheckpoint } from '../../src/tlog/checkpoint.ts';
import { makeEdge } from '../../src/tlog/edge.ts';
import { hashLeaves } from '../../src/tlog/hash.ts';
import type { Signer } from '../../src/tlog/signing-key.ts';
import { formatTilePath } from '../../src/tlog/tile-path.ts';
import type { LogFiles } from '../../src/verify/file-source.ts';
import { makeLogSigner } from './tlog.ts';

type Label = 'who' | 'what';
type Disclosures = { who?: string; what?: string };
type Given = Partial<AuditEvent> & { atMs?: number };

const TILE = 256;
const START_MS = Date.UTC(2026, 0, 5);

/** An export as files by path; `entries` and `disclosures` are what they were made of. */
export type StaticExport = { files: Map<string, Buffer>; entries: Buffer[]; checkpoint: string };

type Shape = { origin?: string; signer?: Signer; open?: AuditEvent['attributes'] };

/** Who writes an event: its index comes back. */
type By = { write: (given: Given) => number };

/** What a shard holds, and how an event gets into it. */
function makeStore(origin: string, signer: Signer) {
  const store = {
    origin,
    signer,
    shard: origin.split('/').at(-1) ?? '',
    entries: [] as Buffer[],
    ids: [] as string[],
    disclosures: new Map<number, Disclosures>(),
    erasures: [] as { event: string; label?: Label; indexes?: number[]; receipt?: string }[],
    minIndex: 0,
    startMs: START_MS,
    /** Appends an event; without a writer it is one of the log's own. */
    append(given: Given, writer?: readonly [string, number]): number {
      const event: AuditEvent = { ...plainEvent(), ...given };
      const index = store.entries.length;
      const id = randomBytes(16).toString('base64url');
      const who = disclose('who', whoDisclosure(event), randomBytes);
      const what = disclose('what', whatDisclosure(event), randomBytes);
      const atMs = given.atMs ?? store.startMs + index * 1_000;
      const digests = writer === undefined ? [] : [who.digest, what.digest];
      const leaf = leafJson({ event, id, atMs, digests, ...(writer && { writer }) });
      store.entries.push(Buffer.from(leaf));
      store.ids.push(id);
      if (writer !== undefined) {
        store.disclosures.set(index, { who: who.disclosure, what: what.disclosure });
      }
      return index;
    },
    own: (operation: AuditEvent['operation'], attributes: AuditEvent['attributes'] = {}) =>
      store.append({ operation, attributes, items: 0 }),
  };
  return store;
}

type Store = ReturnType<typeof makeStore>;

/** A shard that grows. Times go up by a second with each event. */
export function makeStaticLog(shape: Shape = {}) {
  const { origin = 'log.test/audit/2026', open = {} } = shape;
  const signer = shape.signer ?? makeLogSigner(origin);
  const store = makeStore(origin, signer);
  store.own('log.open', { origin, vkeys: [signer.verifierKey], ...open });
  return {
    ...store,
    ...makeRetention(store),
    policy: `log ${signer.verifierKey}\nquorum none\n`,
    size: () => store.entries.length,
    id: (index: number) => store.ids[index] ?? '',
    /** A writer that begins here, or that goes on from the shard before. */
    writer: (carried?: { boot: string; next: number }) => makeWriter(store, carried),
    export: (): StaticExport => exportStore(store),
  };
}

function makeWriter(store: Store, carried?: { boot: string; next: number }) {
  const writer = {
    boot: carried?.boot ?? randomBytes(16).toString('base64url'),
    next: carried?.next ?? 0,
    write: (given: Given = {}): number => {
      writer.next += 1;
      return store.append(given, [writer.boot, writer.next - 1]);
    },
    stop: () => writer.write({ operation: 'audit.writer.stop', items: 0 }),
  };
  if (carried === undefined) writer.write({ operation: 'audit.writer.start', items: 0 });
  return writer;
}

function makeRetention(store: Store) {
  const { shard, entries, ids, disclosures, erasures } = store;
  return {
    /** Erases disclosures: the event first, then the texts. */
    erase(by: By, label: Label, indexes: number[]): number {
      const hash = indexesHash(indexes);
      const attributes = { shard, label, count: indexes.length, indexes: hash, basis: 'request' };
      const index = by.write({ operation: 'audit.erase', attributes });
      for (const erased of indexes) delete disclosures.get(erased)?.[label];
      erasures.push({ event: ids[index] ?? '', label, indexes });
      return index;
    },
    /** Destroys the key of a month, which is over by then: the texts of all events of that vault are gone. */
    destroyKey(by: By, vault: string, month: number): number {
      store.startMs = Math.max(store.startMs, Date.UTC(Math.floor(month / 100), month % 100));
      for (const [index, entry] of entries.entries()) {
        if (String(entry).includes(`"vlt":"${vault}"`)) disclosures.delete(index);
      }
      const attributes = { vault, purpose: 'private', month };
      return by.write({ operation: 'key.destroy', vault: '_system', attributes });
    },
    prune(by: By, to: number): number {
      store.minIndex = to;
      const attributes = { shard, minIndex: to, archive: 'ab'.repeat(32), policy: 'year' };
      return by.write({ operation: 'audit.prune', attributes });
    },
  };
}

function exportStore(store: Store): StaticExport {
  const { origin, signer, shard, entries, disclosures, erasures, minIndex } = store;
  const files = treeFiles(entries, minIndex);
  const size = entries.length;
  const edge = makeEdge();
  edge.append(hashLeaves(entries));
  const checkpoint = signCheckpoint({ origin, size, root: edge.root() }, [signer]);
  const kept = [...disclosures].filter(
    ([index, { who, what }]) => index >= minIndex && (who ?? what) !== undefined,
  );
  const put = (path: string, text: string) => files.set(path, Buffer.from(text));
  put('checkpoint', checkpoint);
  put('policy', `log ${signer.verifierKey}\nquorum none\n`);
  put('shard.json', JSON.stringify({ shard, origin, size, minIndex }));
  put('disclosures.jsonl', toLines(kept.map(([index, texts]) => ({ index, ...texts }))));
  put('erasures.jsonl', toLines(erasures));
  return { files, entries: [...entries], checkpoint };
}

/** Tiles and bundles of a tree of these entries, without the bundles below `minIndex`. */
export function treeFiles(entries: readonly Buffer[], minIndex = 0): Map<string, Buffer> {
  const files = new Map<string, Buffer>();
  const edge = makeEdge();
  for (const { level, index, hashes } of edge.append(hashLeaves(entries))) {
    files.set(formatTilePath({ level, index, width: TILE }), hashes);
  }
  for (const [level, hashes] of edge.state().openTiles.entries()) {
    const index = Math.floor(entries.length / TILE ** (level + 1));
    const width = hashes.length / 32;
    if (width > 0) files.set(formatTilePath({ level, index, width }), Buffer.from(hashes));
  }
  for (let index = 0; index * TILE < entries.length; index += 1) {
    const part = entries.slice(index * TILE, (index + 1) * TILE);
    if (index * TILE + part.length <= minIndex) continue;
    const path = formatTilePath({ level: 'entries', index, width: part.length });
    files.set(path, encodeBundle(part));
  }
  return files;
}

/** As `audit.erase` writes it: base64 of the SHA-256 over the indexes, u64 big-endian each. */
export function indexesHash(indexes: readonly number[]): string {
  const bytes = Buffer.alloc(indexes.length * 8);
  for (const [place, index] of indexes.entries()) bytes.writeBigUInt64BE(BigInt(index), place * 8);
  return sha256(bytes).toString('base64');
}

/** Reads an export that is in memory. */
export function memoryFiles(files: ReadonlyMap<string, Buffer>): LogFiles {
  return {
    read: async (path) => files.get(path),
    async *lines(path) {
      yield* (files.get(path) ?? Buffer.alloc(0)).toString().split('\n');
    },
    list: async (prefix) => [...files.keys()].filter((path) => path.startsWith(prefix)).sort(),
  };
}

function toLines(items: readonly object[]): string {
  return items.map((item) => `${JSON.stringify(item)}\n`).join('');
}

function plainEvent(): AuditEvent {
  return {
    operation: 'detokenize',
    outcome: 'allow',
    status: 200,
    items: 1,
    who: { actor: { subject: 'ada', issuer: 'https://id.test', credential: 'jwt:k1', mfa: false } },
    what: { tokens: ['tok_1'], purpose: 'support' },
  };
}
