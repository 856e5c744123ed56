// Callers who ask several instances for the same few tokens, while others bring tokens to an end.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Door } from '../helpers/cache-doors.ts';
import type { Known, Truth } from '../helpers/cache-truth.ts';

/** Tokens of one batch. */
const BATCH = 5;
/** A busy machine may be slow: what may be asked again is, for so long. */
const ASK_FOR_MS = 30_000;

export type Scene = {
  truth: Truth;
  doors: readonly Door[];
  /** The database says that this moment is over. */
  isPast: (atMs: number) => Promise<boolean>;
};

function pick<Item>(items: readonly Item[]): Item {
  const item = items[Math.floor(Math.random() * items.length)];
  if (item === undefined) throw new Error('nothing to pick from');
  return item;
}

let values = 0;

/** A token for a value that nobody has seen. */
export async function issue(
  { truth, doors }: Scene,
  facts: { field: Known['field']; subject?: string; expiresAtMs?: number },
): Promise<Known> {
  const { field, subject, expiresAtMs } = facts;
  values += 1;
  const value = field === 'email' ? `a${values}-x@example.com` : `Person ${values}`;
  const expiresAt = expiresAtMs === undefined ? undefined : new Date(expiresAtMs).toISOString();
  const made = await pick(doors).tokenize({
    field,
    value,
    ...(subject !== undefined && { subject }),
    ...(expiresAt !== undefined && { expiresAt }),
  });
  if ('code' in made) throw new Error(`no token: ${made.code}`);
  const mayEndFrom = expiresAtMs === undefined ? undefined : truth.moment();
  return truth.learn(made.output.token, { field, value }, mayEndFrom);
}

/** Brings tokens into the caches of every instance. */
export async function warm({ truth, doors }: Scene, some: readonly Known[]): Promise<void> {
  for (const known of some) {
    for (const door of doors) await askAll(truth, door, known);
  }
}

/** Everything that can be asked about one token. */
function askAll(truth: Truth, door: Door, known: Known): Promise<unknown> {
  const asks = [truth.reveal(door, known), truth.reveal(door, known, 'masked')];
  if (known.field === 'email') asks.push(truth.lookup(door, known), truth.tokenize(door, known));
  return Promise.all(asks);
}

/** Asks everybody about tokens at once. */
export function askEverybody({ truth, doors }: Scene, some: readonly Known[]): Promise<unknown> {
  return Promise.all(doors.flatMap((door) => some.map((known) => askAll(truth, door, known))));
}

/** One caller, until the end. */
async function call({ truth, doors }: Scene, signal: AbortSignal): Promise<void> {
  const turns = [
    (door: Door, known: Known) => truth.reveal(door, known),
    (door: Door, known: Known) => truth.reveal(door, known, 'masked'),
    (door: Door, known: Known) =>
      truth.revealAll(door, [known, ...Array.from({ length: BATCH }, () => pick(truth.known))]),
    (door: Door, known: Known) =>
      known.field === 'email' ? truth.lookup(door, known) : truth.reveal(door, known),
    (door: Door, known: Known) =>
      known.field === 'email' ? truth.tokenize(door, known) : truth.reveal(door, known),
  ];
  while (!signal.aborted) await pick(turns)(pick(doors), pick(truth.known));
}

/** Runs `callers` callers while `work` runs. */
export async function callDuring<T>(
  scene: Scene,
  callers: number,
  work: () => Promise<T>,
): Promise<T> {
  const over = new AbortController();
  const calling = Array.from({ length: callers }, () => call(scene, over.signal));
  try {
    return await work();
  } finally {
    over.abort();
    await Promise.all(calling);
  }
}

/** Revokes a warm token at one instance, and asks all for it as soon as that is acknowledged. */
export async function revokeOne(scene: Scene): Promise<void> {
  const known = await issue(scene, { field: pick(['email', 'name']) });
  await warm(scene, [known]);
  await scene.truth.end([known], () => done(() => pick(scene.doors).revoke(known.token)));
  await askEverybody(scene, [known]);
}

/** Erases a person with three warm tokens. */
export async function eraseOne(scene: Scene): Promise<void> {
  values += 1;
  const subject = `subject-${values}`;
  const known = [
    await issue(scene, { field: 'email', subject }),
    await issue(scene, { field: 'name', subject }),
    await issue(scene, { field: 'name', subject }),
  ];
  await warm(scene, known);
  await scene.truth.end(known, () => done(() => pick(scene.doors).erase(subject)));
  await askEverybody(scene, known);
}

/** Lets a warm token expire; a sweeper may delete its row at any time after. */
export async function expireOne(scene: Scene, lifeMs: number): Promise<void> {
  const expiresAtMs = Date.now() + lifeMs;
  const known = await issue(scene, { field: pick(['email', 'name']), expiresAtMs });
  await warm(scene, [known]);
  await scene.truth.end([known], async () => {
    while (!(await scene.isPast(expiresAtMs))) await sleep(20);
  });
  await askEverybody(scene, [known]);
}

/** What was not acknowledged is asked for again. */
async function done(ask: () => Promise<object>): Promise<void> {
  const giveUpAtMs = performance.now() + ASK_FOR_MS;
  for (let outcome = await ask(); 'code' in outcome; outcome = await ask()) {
    if (performance.now() > giveUpAtMs) throw new Error(`an end was refused: ${outcome.code}`);
  }
}
