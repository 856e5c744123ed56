// A shard in memory as exports read it, with leaves and disclosures as a writer makes them.
import { type Disclosure, disclose } from '../../src/crypto/disclosure.ts';
import { makePrivateCipher, monthOf, type PrivateCipher } from '../../src/crypto/private-cipher.ts';
import { randomBytes } from '../../src/crypto/random.ts';
import { SecretKey } from '../../src/crypto/secret.ts';
import { leafJson, whatDisclosure, whoDisclosure } from '../../src/domain/audit/leaf.ts';
import type { ExportDeps } from '../../src/operations/export/request.ts';
import type {
  Erasure,
  PublishedCheckpoint,
  Shard,
  StoredEvent,
} from '../../src/operations/ports/audit-reader.ts';
import { encodeBundle } from '../../src/tlog/bundle.ts';
import { signCheckpoint } from '../../src/tlog/checkpoint.ts';
import { makeEdge } from '../../src/tlog/edge.ts';
import { hashLeaves } from '../../src/tlog/hash.ts';
import type { GivenEvent } from './filled-log.ts';
import { makeLogSigner } from './tlog.ts';

/** When the first event was. */
export const AT_MS = Date.UTC(2026, 10, 22);
const BLOCK_EVENTS = 100;

/** What an export needs, of one shard. Tests may alter its members. */
export type ExportLog = ExportDeps & {
  shard: Shard;
  checkpoint: PublishedCheckpoint;
  events: StoredEvent[];
  erasures: Erasure[];
};

/** Events one second after the other, of which the checkpoint covers the first `published`. */
export function makeExportLog(
  given: readonly GivenEvent[],
  { published = given.length, logId = 1, shard = '2026' } = {},
): ExportLog {
  const origin = `log.test/audit/${shard}`;
  const version = monthOf(AT_MS);
  const key = SecretKey.take(randomBytes(32));
  const cipher = makePrivateCipher({ vaultId: 0, version, key });
  const events = given.map((event, index) => ({ ...store(cipher, event, index), logId }));
  const signer = makeLogSigner(origin);
  const edge = makeEdge();
  edge.append(hashLeaves(events.slice(0, published).map(({ leaf }) => leaf)));
  const note = signCheckpoint({ origin, size: published, root: edge.root() }, [signer]);
  const erasures: Erasure[] = [];
  const checkpoint = { size: published, note, publishedAt: new Date(AT_MS) };
  return {
    shard: { logId, shard, origin, state: 'active', size: given.length, minIndex: 0 },
    checkpoint,
    events,
    erasures,
    reader: makeReader(events, erasures, checkpoint),
    keysets: {
      findPrivateCipher: async (_vaultId, atMs) => (monthOf(atMs) === version ? cipher : undefined),
    },
    vkeysOf: async (asked) => (asked === origin ? [signer.verifierKey] : []),
    version: '1.2.3',
  };
}

function store(
  cipher: PrivateCipher,
  event: GivenEvent,
  index: number,
): Omit<StoredEvent, 'logId'> {
  const id = randomBytes(16).toString('base64url');
  const who = disclose('who', whoDisclosure(event), randomBytes);
  const what = disclose('what', whatDisclosure(event), randomBytes);
  const digests = [who.digest, what.digest];
  const atMs = event.atMs ?? AT_MS + index * 1000;
  const sealed = (label: 'who' | 'what', { disclosure }: Disclosure) => ({
    vaultId: 0,
    sealed: cipher.seal(label, id, Buffer.from(disclosure, 'ascii')),
  });
  return {
    index,
    leaf: Buffer.from(leafJson({ event, id, atMs, digests, writer: ['boot', index] })),
    who: sealed('who', who),
    what: sealed('what', what),
  };
}

function makeReader(
  events: StoredEvent[],
  erasures: Erasure[],
  checkpoint: PublishedCheckpoint,
): ExportDeps['reader'] {
  const edge = makeEdge();
  const full = edge.append(hashLeaves(events.map(({ leaf }) => leaf)));
  const { openTiles } = edge.state();
  return {
    tile: async (_logId, { level, index, width }) => {
      const found = full.find((tile) => tile.level === level && tile.index === index);
      return Buffer.from(found?.hashes ?? openTiles[level] ?? []).subarray(0, width * 32);
    },
    bundle: async (_logId, { index, width }) =>
      encodeBundle(events.slice(index * 256, index * 256 + width).map(({ leaf }) => leaf)),
    read: async function* (_logId, { from, to }) {
      for (let start = from; start < to; start += BLOCK_EVENTS) {
        yield events.slice(start, Math.min(to, start + BLOCK_EVENTS));
      }
    },
    erasures: async () => erasures,
    checkpoint: async () => checkpoint,
    // All are candidates, as the port allows.
    search: async () => ({ events }),
  };
}
