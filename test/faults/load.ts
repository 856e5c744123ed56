import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { readLeaves } from '../helpers/audit-log.ts';
import type { TestService } from '../helpers/service.ts';

/** The longest that any answer may take while Postgres is away, in milliseconds. */
const ANSWER_WITHIN_MS = 8_000;
const RECOVER_WITHIN_MS = 10_000;
const WORKERS = 16;
const BATCH = 500;
/** Tokens that are issued before a fault counts as being under load. */
const WARM_UP = 50;

/** What a request may answer when something that the service stands on is away. */
const OUTAGE = ['audit_unavailable', 'store_unavailable', 'key_unavailable', 'overloaded'];

type Answer = Awaited<ReturnType<typeof call>>;

/** What the service has promised so far, and everything that it should not have answered. */
export type Ledger = {
  /** Token → value, as acknowledged. */
  issued: Map<string, string>;
  /** How many tokenize calls got an error: each may have left one row that nobody was told of. */
  doubtful: number;
  /** Tokens whose revocation was acknowledged; asked for, but not acknowledged. */
  revoked: Set<string>;
  ending: Set<string>;
  eventIds: string[];
  /** Error code → how often. */
  outages: Map<string, number>;
  /** Anything that breaks a promise at once. */
  wrong: string[];
};

/** One call, with a deadline; whatever happens is an answer. */
async function call(service: TestService, role: string, path: string, body: object) {
  try {
    const response = await fetch(`${service.http}/v1/vaults/demo/${path}`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${service.tokenFor(role)}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    });
    const text = await response.text();
    const eventId = response.headers.get('audit-event-id') ?? undefined;
    return { status: response.status, eventId, text, body: JSON.parse(text) };
  } catch (error) {
    return { status: 0, eventId: undefined, text: String(error), body: {} };
  }
}

export function makeLedger(): Ledger {
  return {
    issued: new Map(),
    doubtful: 0,
    revoked: new Set(),
    ending: new Set(),
    eventIds: [],
    outages: new Map(),
    wrong: [],
  };
}

/** Books an answer; true when the call succeeded. */
function book(ledger: Ledger, path: string, answer: Answer): boolean {
  if (answer.eventId !== undefined) ledger.eventIds.push(answer.eventId);
  if (answer.status === 200) {
    if (answer.eventId === undefined) ledger.wrong.push(`${path}: data without an event`);
    return true;
  }
  const code = String(answer.body.code);
  const isOutage = answer.status === 503 && OUTAGE.includes(code);
  if (isOutage) ledger.outages.set(code, (ledger.outages.get(code) ?? 0) + 1);
  else ledger.wrong.push(`${path}: ${answer.status} ${answer.text}`);
  return false;
}

/** One caller: tokenizes, reads back what it was given, and ends every fourth of its tokens. */
async function work(service: TestService, ledger: Ledger, options: Load & { worker: number }) {
  const mine: string[] = [];
  for (let turn = 0; !options.signal.aborted; turn += 1) {
    const value = `${options.label}-${options.worker}-${turn}@example.com`;
    const field = turn % 2 === 0 ? 'email' : 'name';
    const made = await call(service, 'app', 'tokenize', { field, value });
    if (book(ledger, 'tokenize', made)) {
      ledger.issued.set(made.body.token, value);
      mine.push(made.body.token);
    } else {
      ledger.doubtful += 1;
      if (made.text.includes(value)) ledger.wrong.push('an error quotes the value');
    }
    const token = mine[(turn * 7) % Math.max(mine.length, 1)];
    if (token === undefined) continue;
    await readBack(service, ledger, token);
    if (turn % 4 === 3) await end(service, ledger, token);
  }
}

async function readBack(service: TestService, ledger: Ledger, token: string): Promise<void> {
  const ask = { token, purpose: 'support-ticket' };
  const read = await call(service, 'supervisor', 'detokenize', ask);
  const isGone = read.status === 404 && ledger.ending.has(token);
  if (isGone) {
    ledger.eventIds.push(read.eventId ?? 'a 404 without an event');
  } else if (book(ledger, 'detokenize', read)) {
    if (read.body.value !== ledger.issued.get(token)) ledger.wrong.push('another value came back');
    if (ledger.revoked.has(token)) ledger.wrong.push('a revoked token was revealed');
  }
}

async function end(service: TestService, ledger: Ledger, token: string): Promise<void> {
  ledger.ending.add(token);
  const ended = await call(service, 'app', 'tokens/revoke', { tokens: [token] });
  // A second attempt counts nothing, and still means that the token has ended.
  if (book(ledger, 'revoke', ended)) ledger.revoked.add(token);
}

type Load = { label: string; signal: AbortSignal };

/** Runs all callers while `fault` runs, and until the service has worked again for a moment. */
export async function loadDuring(
  service: TestService,
  ledger: Ledger,
  fault: { label: string; run: () => Promise<void> },
): Promise<void> {
  const over = new AbortController();
  const load = { label: fault.label, signal: over.signal };
  const workers = Array.from({ length: WORKERS }, (_, worker) =>
    work(service, ledger, { ...load, worker }),
  );
  const issuedBefore = ledger.issued.size;
  const isBusy = () => ledger.issued.size > issuedBefore + WARM_UP;
  try {
    await waitUntil('the service is busy', isBusy);
    await fault.run();
    await assertRecovers(service);
    const issuedDuring = ledger.issued.size;
    await waitUntil('the load goes on', () => ledger.issued.size > issuedDuring + WARM_UP);
  } finally {
    over.abort();
    await Promise.all(workers);
  }
  assert.deepEqual(ledger.wrong, []);
}

/** Looks every few milliseconds; fails when it has not come true within the time for a recovery. */
export async function waitUntil(what: string, isTrue: () => boolean): Promise<void> {
  const giveUpAtMs = performance.now() + RECOVER_WITHIN_MS;
  while (!isTrue()) {
    assert.ok(performance.now() < giveUpAtMs, `waited in vain until ${what}`);
    await sleep(10);
  }
}

/** By itself: nobody restarts the service. */
async function assertRecovers(service: TestService): Promise<void> {
  const giveUpAtMs = performance.now() + RECOVER_WITHIN_MS;
  for (;;) {
    const made = await call(service, 'app', 'tokenize', { field: 'name', value: 'again' });
    if (made.status === 200) return;
    assert.ok(performance.now() < giveUpAtMs, `no recovery: ${made.status} ${made.text}`);
    await sleep(50);
  }
}

/** Every acknowledged token opens to its value, every acknowledged end has stayed one. */
export async function assertNothingLost(service: TestService, ledger: Ledger): Promise<void> {
  const tokens = [...ledger.issued.keys()];
  for (let start = 0; start < tokens.length; start += BATCH) {
    const some = tokens.slice(start, start + BATCH);
    const ask = { tokens: some, purpose: 'support-ticket' };
    const { status, body } = await call(service, 'supervisor', 'detokenize/batch', ask);
    assert.equal(status, 200);
    for (const [index, token] of some.entries()) {
      const { value, error } = body.items[index];
      if (ledger.revoked.has(token)) assert.equal(error?.code, 'token_not_found');
      else if (value === undefined) assert.ok(ledger.ending.has(token), 'a token was lost');
      else assert.equal(value, ledger.issued.get(token));
    }
  }
}

/**
 * Every answered request has its event, exactly once, and no writer's numbers have a hole. Close the
 * service first: its last batches are written then.
 */
export async function assertAudited(ownerUrl: string, ledger: Ledger): Promise<void> {
  const times = new Map<string, number>();
  const nextSeq = new Map<string, number>();
  for (const { boot, seq, leaf } of await readLeaves(ownerUrl)) {
    times.set(leaf.id, (times.get(leaf.id) ?? 0) + 1);
    assert.equal(seq, nextSeq.get(boot) ?? 0, `writer ${boot} has a hole`);
    nextSeq.set(boot, seq + 1);
  }
  assert.deepEqual(
    ledger.eventIds.filter((id) => times.get(id) !== 1),
    [],
  );
  assert.equal(new Set(ledger.eventIds).size, ledger.eventIds.length, 'two answers, one event');
}
