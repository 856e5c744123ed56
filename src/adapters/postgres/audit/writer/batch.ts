import type { Term } from '../../../../crypto/audit-term.ts';
import { batchMac, bootMacKey, type PendingBatch } from '../../../../crypto/batch-mac.ts';
import { disclose } from '../../../../crypto/disclosure.ts';
import type { Keysets } from '../../../../crypto/keysets.ts';
import type { SealedDisclosure } from '../../../../crypto/open-disclosure.ts';
import { monthOf, type PrivateCipher } from '../../../../crypto/private-cipher.ts';
import type { RandomBytes } from '../../../../crypto/random.ts';
import type { SecretKey } from '../../../../crypto/secret.ts';
import { SYSTEM_VAULT_ID } from '../../../../crypto/wrapped-key.ts';
import type { AuditEvent } from '../../../../domain/audit/event.ts';
import { leafJson, whatDisclosure, whoDisclosure } from '../../../../domain/audit/leaf.ts';
import { VaultError } from '../../../../domain/errors.ts';
import { encodeLeaves, encodeSealed, encodeTerms } from '../framing.ts';
import type { EventTerms } from './terms.ts';

/** What is stored as one row of `audit_pending`. */
export type Batch = PendingBatch & {
  leaves: Buffer;
  who: Buffer;
  what: Buffer;
  terms?: Buffer | undefined;
  mac: Buffer;
};

/** An event on its way into a batch. */
export type PendingEvent = { event: AuditEvent; atMs: number };

/** The fate of an event that was offered to a batch; `left`: no room, it must be offered again. */
export type Packed = { eventId: string } | { error: unknown } | 'left';

export type BatchDeps = {
  keysets: Pick<Keysets, 'auditMac' | 'auditTerm' | 'privateCipher'>;
  eventTerms: EventTerms;
  random: RandomBytes;
  clock: { now(): number };
  /** Id of a vault by name; events without a vault are sealed under keys of `_system`. */
  vaultIdOf: (name: string) => number | undefined;
  logId: number;
};

const EVENT_ID_BYTES = 16;
const MAX_BATCH_BYTES = 512 * 1024;

type Item = {
  leaf: Buffer;
  who: SealedDisclosure;
  what: SealedDisclosure;
  terms: readonly Term[];
};

/** What one event is sealed, and its terms are made with: keys of its vault and month. */
type EventKeys = { vaultId: number; cipher: PrivateCipher; termKey: SecretKey };

/**
 * Makes the next batch of a writer: numbers the events from `firstSeq`, seals their disclosures, adds
 * their blind-index terms and MACs the whole. It changes nothing: a batch that is not stored gives its
 * numbers back by being forgotten. An event whose keys cannot be had or that is too long has an `error`
 * and takes no number; what does not fit into 512 KiB is `left`. Rejects with `key_unavailable` when the
 * MAC key is.
 *
 * @returns the fate of each event, in order, and the batch, `undefined` when no event is in it
 */
export async function packBatch(
  deps: BatchDeps,
  input: { bootId: string; firstSeq: number; events: readonly PendingEvent[] },
): Promise<{ packed: Packed[]; batch: Batch | undefined }> {
  const { bootId, firstSeq, events } = input;
  const keysOf = await loadKeys(deps, events);
  const bootKey = bootMacKey(await deps.keysets.auditMac(), bootId);
  const items: Item[] = [];
  let bytes = 0;
  const packed = events.map((pending, index): Packed => {
    // The first event always fits: it is bounded by its leaf and by the request that it is about.
    if (bytes >= MAX_BATCH_BYTES) {
      return 'left';
    }
    try {
      const eventId = deps.random(EVENT_ID_BYTES).toString('base64url');
      const writer = [bootId, firstSeq + items.length] as const;
      const item = sealEvent(deps, { pending, eventId, writer, keys: keysOf(index) });
      items.push(item);
      bytes += item.leaf.length + item.who.sealed.length + item.what.sealed.length;
      return { eventId };
    } catch (error) {
      return { error };
    }
  });
  if (items.length === 0) {
    return { packed, batch: undefined };
  }
  const pending: Omit<Batch, 'mac'> = {
    // Fixed here, and under the MAC: a retry after midnight still finds its own row.
    day: new Date(deps.clock.now()).toISOString().slice(0, 10),
    logId: deps.logId,
    bootId,
    firstSeq: BigInt(firstSeq),
    count: items.length,
    leaves: encodeLeaves(items.map((item) => item.leaf)),
    who: encodeSealed(items.map((item) => item.who)),
    what: encodeSealed(items.map((item) => item.what)),
    terms: encodeTerms(items.map((item) => item.terms)),
  };
  return { packed, batch: { ...pending, mac: batchMac(bootKey, pending) } };
}

/** Builds the leaf around the digests of its disclosures, and seals the disclosures beside it. */
function sealEvent(
  { random, eventTerms }: BatchDeps,
  input: {
    pending: PendingEvent;
    keys: EventKeys;
    eventId: string;
    writer: readonly [string, number];
  },
): Item {
  const { eventId, writer } = input;
  const { event, atMs } = input.pending;
  const { vaultId, cipher, termKey } = input.keys;
  const who = disclose('who', whoDisclosure(event), random);
  const what = disclose('what', whatDisclosure(event), random);
  const leaf = leafJson({ event, id: eventId, atMs, writer, digests: [who.digest, what.digest] });
  return {
    leaf: Buffer.from(leaf),
    who: { vaultId, sealed: cipher.seal('who', eventId, who.disclosure) },
    what: { vaultId, sealed: cipher.seal('what', eventId, what.disclosure) },
    terms: eventTerms(termKey, event),
  };
}

/** The keys of all these events, by their place among them. One that cannot be had fails its own events only. */
async function loadKeys(
  { keysets, vaultIdOf }: BatchDeps,
  events: readonly PendingEvent[],
): Promise<(index: number) => EventKeys> {
  const wanted = new Map<string, Promise<EventKeys>>();
  const load = async (vaultId: number, atMs: number): Promise<EventKeys> => {
    const [cipher, termKey] = await Promise.all([
      keysets.privateCipher(vaultId, atMs),
      keysets.auditTerm(atMs),
    ]);
    return { vaultId, cipher, termKey };
  };
  const names = events.map(({ event: { vault }, atMs }) => {
    const vaultId = (vault === undefined ? undefined : vaultIdOf(vault)) ?? SYSTEM_VAULT_ID;
    const name = `${vaultId}/${monthOf(atMs)}`;
    if (!wanted.has(name)) {
      wanted.set(name, load(vaultId, atMs));
    }
    return name;
  });
  const settled = await Promise.allSettled(wanted.values());
  const results = new Map([...wanted.keys()].map((name, index) => [name, settled[index]]));
  return (index) => {
    const result = results.get(names[index] ?? '');
    if (result?.status !== 'fulfilled') {
      throw new VaultError('key_unavailable', { cause: result?.reason });
    }
    return result.value;
  };
}
