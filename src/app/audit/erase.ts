import {
  type ErasedPart,
  encodeIndexes,
  eraseDisclosures,
  MAX_ERASED_AT_ONCE,
} from '../../adapters/postgres/audit/retention/change.ts';
import { sha256 } from '../../crypto/digest.ts';
import type { DisclosureLabel } from '../../crypto/private-cipher.ts';
import { type Found, findForActor, findForReference } from './erase-find.ts';
import type { Operator } from './operator.ts';

/** Why something may be erased: codes, because free text in a leaf stays for ever. */
export const BASES = ['gdpr-17', 'contract-end', 'court-order', 'retention'] as const;

export type Basis = (typeof BASES)[number];

/** What is to be erased, and what the event says about it. */
export type ErasureRequest = {
  basis: Basis;
  /** Stands sealed in the event, not in its leaf. */
  ticket?: string | undefined;
  /** Only events before this time, in milliseconds since the epoch. */
  beforeMs?: number | undefined;
  /** Only find. */
  dryRun: boolean;
};

/** What was erased, or with `dryRun` would be: disclosures of one shard, and the events that tell of it. */
export type Erased = {
  shard: string;
  label: DisclosureLabel;
  count: number;
  events: string[];
};

/**
 * Erases `who` of every event of an actor, and `what` of every search of the log that named the actor.
 * Leaves, tiles and roots stay as they are. Running it again erases what came since, or nothing.
 */
export async function eraseActor(
  operator: Operator,
  actor: { subject: string; issuer?: string | undefined },
  request: ErasureRequest,
): Promise<Erased[]> {
  await operator.settle();
  return erase(operator, await findForActor(operator, { ...actor, ...request }), request);
}

/** Erases `what` of every event that was made under a reference. */
export async function eraseReference(
  operator: Operator,
  reference: string,
  request: ErasureRequest,
): Promise<Erased[]> {
  await operator.settle();
  return erase(operator, await findForReference(operator, { reference, ...request }), request);
}

async function erase(
  operator: Operator,
  found: readonly Found[],
  request: ErasureRequest,
): Promise<Erased[]> {
  const erased: Erased[] = [];
  for (const { logId, shard } of await operator.reader.shards()) {
    for (const label of ['who', 'what'] as const) {
      const parts = found.filter((part) => part.logId === logId && part.label === label);
      if (parts.length > 0) {
        const events = request.dryRun
          ? []
          : await eraseParts(operator, { logId, shard, label, parts }, request);
        erased.push({ shard, label, count: countOf(parts), events });
      }
    }
  }
  return erased;
}

/** One event and one transaction for as many parts as one event can tell of. */
async function eraseParts(
  { tell, pool }: Operator,
  erasure: { logId: number; shard: string; label: DisclosureLabel; parts: readonly ErasedPart[] },
  { basis, ticket }: ErasureRequest,
): Promise<string[]> {
  const { logId, shard, label } = erasure;
  const events: string[] = [];
  for (const parts of inLots(erasure.parts)) {
    const digest = sha256(encodeIndexes(parts.flatMap(({ indexes }) => indexes)));
    const indexes = digest.toString('base64');
    const eventId = await tell({
      operation: 'audit.erase',
      attributes: { shard, label, count: countOf(parts), indexes, basis },
      reference: ticket,
    });
    await eraseDisclosures(pool, { eventId, logId, label, parts });
    events.push(eventId);
  }
  return events;
}

function inLots(parts: readonly ErasedPart[]): ErasedPart[][] {
  const lots: ErasedPart[][] = [];
  for (const part of parts) {
    const lot = lots.at(-1);
    if (lot !== undefined && countOf([...lot, part]) <= MAX_ERASED_AT_ONCE) lot.push(part);
    else lots.push([part]);
  }
  return lots;
}

function countOf(parts: readonly ErasedPart[]): number {
  return parts.reduce((sum, { indexes }) => sum + indexes.length, 0);
}
