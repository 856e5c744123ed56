import { VaultError } from '../../../../domain/errors.ts';
import type { Head } from '../../../../operations/ports/head-store.ts';
import { announceKeys } from '../shards.ts';
import { makeAlarm } from './alarm.ts';
import { type Contradiction, findContradiction } from './check.ts';
import type { PublisherDeps } from './deps.ts';
import { findOwn } from './own.ts';
import { readShard, type ShardRef, type ShardState, takeTurn } from './rows.ts';
import { makeSigning } from './sign.ts';
import type { Troubles } from './troubles.ts';
import { makePublicationWatch } from './watch.ts';

/** A shard as it is, beside what is remembered of it. */
type Look = {
  state: ShardState;
  head: Head | undefined;
  contradiction: Contradiction | undefined;
};

/**
 * Makes the function that looks after one shard: checks it, and when it has grown and it is this
 * instance's turn, signs and publishes its next checkpoint. True: the shard contradicts what was signed.
 */
export function makeShardPublisher(
  deps: PublisherDeps & { troubles: Troubles },
): (ref: ShardRef) => Promise<boolean> {
  const { pool, troubles, heads, signer, baseOrigin, logger } = deps;
  const alarm = makeAlarm(deps);
  const announce = makeAnnouncer(deps);
  const signNext = makeSigning(deps);
  const watch = makePublicationWatch({ ...deps, policy: deps.witnessing.policy });

  const inspect = async (ref: ShardRef, readState: typeof readShard): Promise<Look | undefined> => {
    // The head first. It was committed before it was remembered: a state read later has it, or lost it.
    const head = await troubles.during({ event: 'audit_head_unreadable', of: ref.origin }, () =>
      heads.read(ref.origin),
    );
    const state = await readState(pool, ref.logId);
    if (state === undefined) return undefined;
    const signed = [head, state.published].filter((tree) => tree !== undefined);
    return { state, head, contradiction: await findContradiction(pool, state, signed) };
  };

  /** Once more if there is a contradiction: nobody freezes a log for one odd reading. */
  const inspectWell = async (ref: ShardRef): Promise<Look | undefined> => {
    const look = await inspect(ref, readShard);
    return look?.contradiction === undefined ? look : await inspect(ref, readShard);
  };

  const raiseAlarm = async (look: Look, contradiction: Contradiction): Promise<void> => {
    const { head, state } = look;
    const { origin, published } = state;
    const answer = async () => {
      // What somebody wrote into the table is reason for an alarm, but is not cited as signed.
      const own = published && (await findOwn(signer, { origin, note: published.note }));
      const signed = [head, own].filter((tree) => tree !== undefined);
      await alarm({ state, contradiction, signed });
    };
    const trouble = { event: 'audit_shard_not_replaced', of: origin };
    await troubles.during(trouble, answer).catch(() => {});
  };

  /** What else is to be done about a shard that is as it should be. */
  const tend = async ({ state, head }: Look): Promise<void> => {
    const { isActive, published, shard } = state;
    if (head === undefined && published !== undefined) {
      logger.warn('audit_head_missing', { shard, size: published.size });
    }
    if (isActive && published !== undefined) watch(published);
    if (isActive) await announce(state);
  };

  const signInTurn = async (ref: ShardRef): Promise<void> => {
    const look = await inspect(ref, takeTurn);
    if (look !== undefined && look.contradiction === undefined && isDue(look.state)) {
      await signNext(look);
    }
  };

  return async (ref) => {
    // Whoever writes to the database does not choose what our keys sign for.
    if (!ref.origin.startsWith(`${baseOrigin}/`)) {
      throw new VaultError('internal', { detail: 'a shard is not of this log' });
    }
    const look = await inspectWell(ref);
    if (look === undefined) return false;
    if (look.contradiction !== undefined) {
      await raiseAlarm(look, look.contradiction);
      return true;
    }
    await tend(look);
    await (isDue(look.state) ? signInTurn(ref) : catchUp(deps, look));
    return false;
  };
}

/** Whether the tree has leaves that no checkpoint covers. */
function isDue({ size, published }: ShardState): boolean {
  return size > (published?.size ?? 0);
}

/**
 * What another instance has published binds this one, too, once all is quiet: if it is what one of our
 * keys signed, and not what somebody wrote into the table.
 */
async function catchUp({ heads, signer }: PublisherDeps, { state, head }: Look): Promise<void> {
  const { origin, published } = state;
  if (published === undefined || published.size <= (head?.size ?? 0)) return;
  const signed = await findOwn(signer, { origin, note: published.note });
  if (signed?.size === published.size && signed.root.equals(published.root)) {
    await heads.advance({ origin, head: signed, expectedSize: head?.size });
  }
}

/** Makes the function that has the log itself name the keys that it is signed with, once a shard. */
function makeAnnouncer({ pool, signer, clock, random }: PublisherDeps) {
  const announced = new Set<number>();
  return async ({ logId, origin }: ShardState): Promise<void> => {
    if (announced.has(logId)) return;
    const vkeys = await signer.vkeysOf(origin);
    if (await announceKeys({ pool }, { logId, vkeys, atMs: clock.now(), random })) {
      announced.add(logId);
    }
  };
}
