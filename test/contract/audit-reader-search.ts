import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import fc from 'fast-check';
import { purposeFacet, type TermKind } from '../../src/crypto/audit-term.ts';
import { readLeaf } from '../../src/domain/audit/read-leaf.ts';
import type {
  AuditReader,
  EventQuery,
  LogPosition,
  StoredEvent,
} from '../../src/operations/ports/audit-reader.ts';
import { type GivenEvent, sampleEvent } from '../helpers/filled-log.ts';
import type { ReaderUnderTest } from './audit-reader-under-test.ts';

/** What a test asks for; each list is a choice of which one must hold. */
type Question = {
  tokens?: string[];
  actors?: string[];
  purposes?: string[];
  operations?: string[];
  outcomes?: string[];
  vaults?: string[];
  fromMs?: number;
  toMs?: number;
};

const START_MS = Date.UTC(2026, 4, 10);
const STEP_MS = 2_000;
const EVENTS_A_SHARD = 700;
const END_MS = START_MS + 2 * EVENTS_A_SHARD * STEP_MS;
const SINGLES = Array<number>(60).fill(1);
const SEGMENTS = [...SINGLES, 2, 3, 90, 1, 200, 1, 150, 1, 132, ...SINGLES];

/** Event `n` of all: every combination occurs, and some events come twenty minutes late. */
function eventAt(n: number): GivenEvent {
  const isLate = n % 97 === 0;
  return sampleEvent({
    atMs: START_MS + n * STEP_MS - (isLate ? 20 * 60_000 : 0),
    operation: n % 3 === 0 ? 'lookup' : 'detokenize',
    outcome: n % 13 === 0 ? 'deny' : 'allow',
    ...(n % 10 !== 0 && { vault: n % 4 === 0 ? 'cards' : 'demo' }),
    who: {
      actor: { subject: `actor-${n % 7}`, issuer: 'https://id.test', credential: 'k', mfa: false },
    },
    what: { tokens: [`tok_${n % 11}`, `tok_${n % 2}`], purpose: `purpose-${n % 5}` },
  });
}

function holds(event: GivenEvent, asked: Question): boolean {
  const { tokens = [], purpose = '' } = event.what;
  const has = (choice: string[] | undefined, actual: readonly string[]) =>
    choice === undefined || actual.some((each) => choice.includes(each));
  const { atMs = 0 } = event;
  return (
    has(asked.tokens, tokens) &&
    has(asked.actors, [event.who.actor?.subject ?? '']) &&
    has(asked.purposes, [purpose]) &&
    has(asked.operations, [event.operation]) &&
    has(asked.outcomes, [event.outcome]) &&
    has(asked.vaults, event.vault === undefined ? [] : [event.vault]) &&
    atMs >= (asked.fromMs ?? 0) &&
    atMs < (asked.toMs ?? Number.POSITIVE_INFINITY)
  );
}

const choiceOf = (prefix: string, count: number) =>
  fc.subarray(
    Array.from({ length: count }, (_, n) => `${prefix}${n}`),
    { minLength: 1, maxLength: 2 },
  );
const time = fc.integer({ min: START_MS - 30 * 60_000, max: END_MS + 30 * 60_000 });
const questions: fc.Arbitrary<Question> = fc.record(
  {
    tokens: choiceOf('tok_', 12),
    actors: choiceOf('actor-', 8),
    purposes: choiceOf('purpose-', 6),
    operations: fc.subarray(['lookup', 'detokenize', 'revoke'], { minLength: 1 }),
    outcomes: fc.subarray(['deny', 'allow', 'error'], { minLength: 1 }),
    vaults: fc.subarray(['cards', 'demo', 'none'], { minLength: 1 }),
    fromMs: time,
    toMs: time,
  },
  { requiredKeys: [] },
);

async function queryOf(
  under: ReaderUnderTest,
  asked: Question,
): Promise<Omit<EventQuery, 'limit'>> {
  const terms = (kind: TermKind, texts: readonly string[]) =>
    Promise.all(texts.map((text) => under.term(kind, text, START_MS)));
  const facets = (prefix: string, texts: string[] | undefined) =>
    texts === undefined ? [] : [texts.map((text) => `${prefix}:${text}`)];
  const { tokens, actors, purposes, fromMs, toMs } = asked;
  return {
    termGroups: [
      ...(tokens === undefined ? [] : [await terms('token', tokens)]),
      ...(actors === undefined ? [] : [await terms('actor', actors)]),
    ],
    facetGroups: [
      ...facets('op', asked.operations),
      ...facets('out', asked.outcomes),
      ...facets('vlt', asked.vaults),
      ...(purposes === undefined ? [] : [(await terms('purpose', purposes)).map(purposeFacet)]),
    ],
    fromMs,
    toMs,
  };
}

/** Follows `next` to the end; no page may be longer than it was asked to be. */
async function searchAll(reader: AuditReader, query: EventQuery): Promise<StoredEvent[]> {
  const events: StoredEvent[] = [];
  let before: LogPosition | undefined = query.before;
  for (;;) {
    const page = await reader.search({ ...query, before });
    assert.ok(page.events.length <= query.limit);
    events.push(...page.events);
    if (page.next === undefined) return events;
    assert.ok(before === undefined || isBelow(page.next, before), 'a search must come to an end');
    before = page.next;
  }
}

const isBelow = (a: LogPosition, b: LogPosition) =>
  a.logId === b.logId ? a.index < b.index : a.logId < b.logId;

const placeOf = ({ logId, index }: LogPosition) => `${logId}/${index}`;

const FRUITLESS = [
  { termGroups: [[]], facetGroups: [] },
  { termGroups: [], facetGroups: [[]] },
  { termGroups: [[1n]], facetGroups: [] },
  { termGroups: [], facetGroups: [['op:none']] },
  { termGroups: [], facetGroups: [], fromMs: START_MS + 1_000_000, toMs: START_MS },
];

/** Searches of every reader of the log. */
export function describeSearch(make: () => Promise<ReaderUnderTest>): void {
  let under: ReaderUnderTest;
  /** Newest first. */
  const stored: { event: GivenEvent; logId: number; index: number; id: string }[] = [];
  const expected = (asked: Question) => stored.filter(({ event }) => holds(event, asked));

  before(async () => {
    under = await make();
    for (const [nth, name] of ['2025', '2026'].entries()) {
      const shard = await under.open(name);
      const events = Array.from({ length: EVENTS_A_SHARD }, (_, index) =>
        eventAt(nth * EVENTS_A_SHARD + index),
      );
      let done = 0;
      for (const size of SEGMENTS) {
        await shard.append(events.slice(done, done + size));
        done += size;
      }
      const { logId, ids } = shard;
      for (const [index, event] of events.entries()) {
        stored.unshift({ event, logId, index, id: ids[index] ?? '' });
      }
    }
  });
  after(() => under.close());

  it('a search finds exactly the events of which all holds, newest first, in any pages', async () => {
    const property = fc.asyncProperty(
      questions,
      fc.integer({ min: 1, max: 60 }),
      async (asked, limit) => {
        const found = await searchAll(under.reader, { ...(await queryOf(under, asked)), limit });
        assert.deepEqual(found.map(placeOf), expected(asked).map(placeOf));
      },
    );
    await fc.assert(property, { numRuns: 120 });
  });

  it('a search goes on below any position, in whichever shard', async () => {
    const query = { ...(await queryOf(under, { actors: ['actor-3'] })), limit: 1_000 };
    for (const at of [0, 333, 700, 900, stored.length - 1]) {
      const before = stored[at];
      assert.ok(before);
      const found = await searchAll(under.reader, { ...query, before });
      const below = stored
        .slice(at + 1)
        .filter(({ event }) => holds(event, { actors: ['actor-3'] }));
      assert.deepEqual(found.map(placeOf), below.map(placeOf));
    }
  });

  it('a found event comes with its own leaf and disclosures', async () => {
    const query = { ...(await queryOf(under, { outcomes: ['deny'] })), limit: 1_000 };
    const { events } = await under.reader.search(query);
    const ids = events.map(({ leaf }) => readLeaf(leaf)?.id);
    assert.deepEqual(
      ids,
      expected({ outcomes: ['deny'] }).map(({ id }) => id),
    );
    for (const event of events.slice(0, 20)) {
      const one = await under.reader.findEvent(readLeaf(event.leaf)?.id ?? '');
      assert.deepEqual(event, one);
      assert.notDeepEqual(event.who, event.what);
    }
  });

  it('an empty group, one that nothing has, and a time that ends before it begins find nothing', async () => {
    for (const groups of FRUITLESS) {
      assert.deepEqual(await under.reader.search({ ...groups, limit: 10 }), { events: [] });
    }
  });
}
