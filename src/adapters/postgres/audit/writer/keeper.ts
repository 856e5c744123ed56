import type { Pool } from 'pg';
import { withSession } from '../../session.ts';
import { findIntegrated, readPlaces, readPositions, restoreBatch } from './places.ts';
import type { Kept, Retained } from './retained.ts';

/** A batch, in the words of the leaves: writer (boot id), its first number, how many events. */
type BatchRef = { bootId: string; firstSeq: number; events: number };

/**
 * What an operator must hear of. `restored`: a row had vanished and is back. `altered`: a row is not as
 * it was written; it is left as it is. `lost`: the tree went on, and has not its events and never will: it
 * tells of the gap, or somebody altered how far it is. `behind`: nothing was integrated for a while;
 * `caught_up` ends it. `blind`: it could not be found out how far the tree is; told once, until it works
 * again.
 */
export type AuditAlarm =
  | ({ kind: 'restored' | 'altered' | 'lost' } & BatchRef)
  | { kind: 'behind'; events: number; ageMs: number }
  | { kind: 'caught_up' }
  | { kind: 'blind'; error: unknown };

export type Keeper = {
  /** Finds out what the tree has by now, and cares for what vanished. One look at a time. Never rejects. */
  look(): Promise<void>;
  /** Raises and ends the alarm about age. */
  checkAge(): void;
};

type KeeperDeps = {
  pool: Pool;
  clock: { monotonic(): number };
  retained: Retained;
  /** From which age on a row is looked for, and an alarm raised. */
  missingAfterMs: number;
  alarmAfterMs: number;
  alarm: (alarm: AuditAlarm) => void;
  /** The log counts this writer as dead. */
  closed: (bootId: string) => void;
};

/** Rows looked for in one statement. */
const MAX_PLACES = 256;

/** Makes what watches over the batches that are kept. */
export function makeKeeper(deps: KeeperDeps): Keeper {
  const { retained, alarm } = deps;
  let underWay: Promise<void> | undefined;
  let isBlind = false;
  let isBehind = false;

  const lookOnce = async (): Promise<void> => {
    try {
      if (retained.batches() > 0) {
        await releaseIntegrated(deps);
        await inspectOld(deps);
      }
      isBlind = false;
    } catch (error) {
      if (!isBlind) {
        isBlind = true;
        alarm({ kind: 'blind', error });
      }
    }
  };

  return {
    look: () => {
      underWay ??= lookOnce().finally(() => {
        underWay = undefined;
      });
      return underWay;
    },
    checkAge: () => {
      const ageMs = retained.ageMs();
      const wasBehind = isBehind;
      isBehind = ageMs > deps.alarmAfterMs;
      if (isBehind && !wasBehind) {
        alarm({ kind: 'behind', events: retained.events(), ageMs });
      }
      if (wasBehind && !isBehind) {
        alarm({ kind: 'caught_up' });
      }
    },
  };
}

/** Forgets what the tree has, or will never have. */
async function releaseIntegrated(deps: KeeperDeps): Promise<void> {
  const { pool, retained } = deps;
  const bootIds = new Set([...retained.all()].map(({ batch }) => batch.bootId));
  const positions = await readPositions(pool, [...bootIds]);
  const passed = [...retained.all()].filter(({ batch: { bootId, firstSeq, count } }) => {
    const nextSeq = positions.get(bootId)?.nextSeq ?? 0n;
    return nextSeq >= firstSeq + BigInt(count);
  });
  // That the tree went on is no proof: it goes on past a gap, and whoever owns the database can raise the
  // number by hand. Only the tree itself is.
  const proved = await findIntegrated(
    pool,
    passed.map(({ batch }) => batch),
  );
  for (const kept of passed) {
    const isLost = !proved.has(kept.batch);
    retained.release(kept, isLost ? 'lost' : 'integrated');
    if (isLost) {
      deps.alarm({ kind: 'lost', ...refOf(kept) });
    }
  }
  for (const [bootId, { closed }] of positions) {
    if (closed) {
      deps.closed(bootId);
    }
  }
}

/** Looks for the rows of batches that should be in the tree by now, and puts back what is missing. */
async function inspectOld({ pool, clock, retained, missingAfterMs, alarm }: KeeperDeps) {
  const nowMs = clock.monotonic();
  // A writer's oldest batch, which is the one that holds it up, is always among the first.
  const due = [...retained.all()]
    .filter(({ lookedAtMs }) => nowMs - lookedAtMs >= missingAfterMs)
    .slice(0, MAX_PLACES);
  if (due.length === 0) {
    return;
  }
  const places = await withSession(pool, (session) =>
    readPlaces(
      session,
      due.map(({ batch }) => batch),
    ),
  );
  for (const [index, kept] of due.entries()) {
    kept.lookedAtMs = nowMs;
    if (places[index] === 'altered' && kept.fault !== 'altered') {
      kept.fault = 'altered';
      alarm({ kind: 'altered', ...refOf(kept) });
    }
    if (places[index] === 'missing') {
      kept.fault = 'missing';
      if (await restoreBatch(pool, kept.batch)) {
        alarm({ kind: 'restored', ...refOf(kept) });
      }
    }
  }
}

function refOf({ batch: { bootId, firstSeq, count } }: Kept): BatchRef {
  return { bootId, firstSeq: Number(firstSeq), events: count };
}
