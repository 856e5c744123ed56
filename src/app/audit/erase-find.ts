import type { ErasedPart } from '../../adapters/postgres/audit/retention/change.ts';
import {
  type ReadEvent,
  readWithTerms,
  type SegmentName,
  segmentsWithTerms,
} from '../../adapters/postgres/audit/retention/segments.ts';
import { facetTerm, purposeFacet, type TermKind, termOf } from '../../crypto/audit-term.ts';
import { isErased, openDisclosure } from '../../crypto/open-disclosure.ts';
import { type DisclosureLabel, monthOf } from '../../crypto/private-cipher.ts';
import type { Operator } from './operator.ts';

/** What is to go from one segment. */
export type Found = ErasedPart & { logId: number; label: DisclosureLabel };

type Pick = { label: DisclosureLabel; event: ReadEvent; terms: readonly bigint[] };

/** The members of disclosures that are looked at; whatever they hold is compared, never trusted. */
type Who = { actor?: { sub?: unknown; iss?: unknown } };
type What = { tok?: unknown; req?: { reference?: unknown; purpose?: unknown } };

/**
 * What there is of an actor: `who` of the events, found by the terms of all months and opened to make
 * sure. Where the month's key is destroyed nothing can be opened: the term alone is proof enough unless an
 * issuer was asked for. Searches for the actor hold a keyed term, and no name.
 */
export async function findForActor(
  operator: Operator,
  asked: { subject: string; issuer?: string | undefined; beforeMs?: number | undefined },
): Promise<Found[]> {
  const subject = asked.subject.toWellFormed();
  const terms = await termsOf(operator, 'actor', subject);
  return findByTerms(operator, terms, async (event) => {
    if (isErased(event.who) || !isBefore(event, asked.beforeMs)) return undefined;
    const who = (await open(operator, event, 'who')) as Who | undefined;
    const isAsked =
      who === undefined
        ? asked.issuer === undefined && (await isSealedForGood(operator, event, 'who'))
        : who.actor?.sub === subject &&
          (asked.issuer === undefined || who.actor.iss === asked.issuer);
    return isAsked ? { label: 'who', event, terms } : undefined;
  });
}

/** `what` of the events with this reference, and with it all that they could be found by. */
export async function findForReference(
  operator: Operator,
  asked: { reference: string; beforeMs?: number | undefined },
): Promise<Found[]> {
  const reference = asked.reference.toWellFormed();
  const terms = await termsOf(operator, 'reference', reference);
  return findByTerms(operator, terms, async (event) => {
    if (isErased(event.what) || !isBefore(event, asked.beforeMs)) return undefined;
    const what = (await open(operator, event, 'what')) as What | undefined;
    if (what === undefined) {
      const isGone = await isSealedForGood(operator, event, 'what');
      return isGone ? { label: 'what', event, terms } : undefined;
    }
    return what.req?.reference === reference
      ? { label: 'what', event, terms: await termsOfWhat(operator, event, what) }
      : undefined;
  });
}

async function findByTerms(
  { pool }: Operator,
  terms: bigint[],
  pick: (event: ReadEvent) => Promise<Pick | undefined>,
): Promise<Found[]> {
  const found: Found[] = [];
  for (const segment of await segmentsWithTerms(pool, terms)) {
    const picks = await pickFrom(await readWithTerms(pool, segment, terms), pick);
    found.push(...partOf(segment, picks));
  }
  return found;
}

async function pickFrom(
  events: readonly ReadEvent[],
  pick: (event: ReadEvent) => Promise<Pick | undefined>,
): Promise<Pick[]> {
  const picks: Pick[] = [];
  for (const event of events) {
    const picked = await pick(event);
    if (picked !== undefined) picks.push(picked);
  }
  return picks;
}

function partOf({ logId, firstIndex }: SegmentName, picks: readonly Pick[]): Found[] {
  const [first] = picks;
  if (first === undefined) {
    return [];
  }
  const terms = [...new Set(picks.flatMap((pick) => pick.terms))];
  const indexes = picks.map(({ event }) => event.index);
  return [{ logId, firstIndex, label: first.label, indexes, terms }];
}

/** The terms of a text in all months that have a term key. */
async function termsOf({ keysets }: Operator, kind: TermKind, text: string): Promise<bigint[]> {
  return (await keysets.auditTerms()).map(({ key }) => termOf(key, kind, text).hash);
}

/** All terms that an event has for its `what`, under the key of its own month. */
async function termsOfWhat(
  { keysets }: Operator,
  { read }: ReadEvent,
  { tok, req }: What,
): Promise<bigint[]> {
  const months = await keysets.auditTerms();
  const key = months.find(({ month }) => month === monthOf(read.t))?.key;
  if (key === undefined) {
    return [];
  }
  const texts = (value: unknown) => [value].flat().filter((text) => typeof text === 'string');
  return [
    ...texts(tok).map((token) => termOf(key, 'token', token).hash),
    ...texts(req?.reference).map((reference) => termOf(key, 'reference', reference).hash),
    ...texts(req?.purpose).map((purpose) =>
      facetTerm(purposeFacet(termOf(key, 'purpose', purpose).hash)),
    ),
  ];
}

async function open({ keysets }: Operator, event: ReadEvent, label: DisclosureLabel) {
  const input = { leaf: event.read, label, disclosure: event[label] };
  return (await openDisclosure(keysets, input))?.value;
}

async function isSealedForGood(
  { keysets }: Operator,
  event: ReadEvent,
  label: DisclosureLabel,
): Promise<boolean> {
  return (await keysets.findPrivateCipher(event[label].vaultId, event.read.t)) === undefined;
}

function isBefore({ read }: ReadEvent, beforeMs: number | undefined): boolean {
  return beforeMs === undefined || read.t < beforeMs;
}
