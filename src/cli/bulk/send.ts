import { setTimeout as sleep } from 'node:timers/promises';
import { ERRORS, type ErrorCode, VaultError } from '../../domain/errors.ts';
import type { Client } from '../client.ts';

/** The fate of one item: the text that takes its place, or why there is none. */
export type ItemFate = { text: string } | { code: ErrorCode };

/** `keyOf` gives the Idempotency-Key of a body; absent for calls that make nothing. */
type Batch<Item> = {
  path: string;
  items: readonly Item[];
  bodyOf: (items: readonly Item[]) => object;
  keyOf?: ((body: string) => string) | undefined;
};

const FIRST_WAIT_MS = 200;
const MAX_WAIT_MS = 10_000;
/** Together some two minutes: longer than a restart of the service takes. */
const MAX_ATTEMPTS = 18;

/**
 * Sends one batch until every item has an answer that is no passing failure. What may pass (no connection,
 * 5xx, 429, items marked retryable) is asked again: with a key as a whole, which the key makes safe; without
 * one only the items that failed, because an item that was answered may have cost a reveal.
 *
 * Rejects when the service refuses the call, does not come back, or a budget is spent; with the signal's
 * reason when it aborts.
 */
export async function sendBatch<Item>(
  client: Client,
  batch: Batch<Item>,
  { stop, member }: { stop: AbortSignal; member: 'token' | 'value' },
): Promise<ItemFate[]> {
  const { items, keyOf } = batch;
  const fates = new Map<number, ItemFate>();
  const open = () => [...items.keys()].filter((index) => !fates.has(index));
  for (let attempt = 1; ; attempt += 1) {
    const asked = keyOf === undefined ? open() : [...items.keys()];
    const answers = await tryOnce(client, { batch, asked, member }).catch((error: unknown) => {
      if (attempt === MAX_ATTEMPTS || !mayPass(error)) throw error;
      return [];
    });
    const passing = note(fates, asked, answers);
    if (open().length === 0) return [...items.keys()].flatMap((index) => fates.get(index) ?? []);
    if (attempt === MAX_ATTEMPTS && passing !== undefined) throw neverTaken(passing);
    stop.throwIfAborted();
    const waitMs = Math.min(FIRST_WAIT_MS * 2 ** (attempt - 1), MAX_WAIT_MS);
    await sleep(waitMs * (0.5 + Math.random() / 2), undefined, { signal: stop });
  }
}

/** Keeps the answers that are final, and gives the code of one that is not. */
function note(
  fates: Map<number, ItemFate>,
  asked: readonly number[],
  answers: readonly ItemFate[],
): ErrorCode | undefined {
  let passing: ErrorCode | undefined;
  for (const [position, index] of asked.entries()) {
    const fate = answers[position];
    if (fate === undefined) continue;
    if ('code' in fate && fate.code === 'budget_exhausted') throw spent();
    if ('code' in fate && ERRORS[fate.code].retryable) passing = fate.code;
    else fates.set(index, fate);
  }
  return passing;
}

function neverTaken(code: ErrorCode): VaultError {
  const detail = `The service goes on refusing items: ${ERRORS[code].title} (${code}). The same command goes on later.`;
  return new VaultError(code, { detail });
}

/** Not waited for: it may take hours, and another role or a smaller file may be what was meant. */
function spent(): VaultError {
  const detail =
    'The budget of this role is spent (budget_exhausted). The same command goes on from here when it has grown again, or with a role that has more.';
  return new VaultError('budget_exhausted', { detail });
}

function mayPass(error: unknown): boolean {
  return error instanceof VaultError && ERRORS[error.code].retryable;
}

async function tryOnce<Item>(
  client: Client,
  input: { batch: Batch<Item>; asked: readonly number[]; member: 'token' | 'value' },
): Promise<ItemFate[]> {
  const { batch, asked, member } = input;
  const { path, items, bodyOf, keyOf } = batch;
  const json = JSON.stringify(bodyOf(asked.map((index) => items[index] as Item)));
  const key = keyOf?.(json);
  const headers = key === undefined ? {} : { headers: { 'idempotency-key': key } };
  const response = await client.request({ method: 'POST', path, json, ...headers });
  const answer: unknown = await response.json().catch(() => undefined);
  const { items: answers } = Object(answer) as { items?: unknown };
  if (!Array.isArray(answers) || answers.length !== asked.length) throw notAnswers();
  return answers.map((item: unknown) => fateOf(item, member));
}

function fateOf(item: unknown, member: 'token' | 'value'): ItemFate {
  const { [member]: text, error } = Object(item) as Record<string, unknown>;
  if (typeof text === 'string') return { text };
  const { code } = Object(error) as { code?: unknown };
  if (typeof code !== 'string' || !Object.hasOwn(ERRORS, code)) throw notAnswers();
  return { code: code as ErrorCode };
}

/** Retryable: an answer that was cut off looks like this, too. */
function notAnswers(): VaultError {
  return new VaultError('internal', {
    detail: 'The service answered something else than a batch.',
  });
}
