import {
  type Basis,
  type CachedToken,
  OutdatedBasis,
} from '../../../../operations/ports/audit-log.ts';

/** Cached tokens that one batch may ask about, so that its statement stays short. */
const MAX_CACHED = 4_096;

/** What the answers rest on that the events of one batch are about. */
export type Ground = {
  /** Each once. */
  vaultIds: readonly number[];
  cached: readonly CachedToken[];
};

/** What the database says of a ground, at one moment. */
export type Standing = {
  /** By the database's clock, milliseconds since the epoch. */
  atMs: number;
  /** The newest version of a vault's policy, by vault id. */
  versions: ReadonlyMap<number, number>;
  /** Those of `Ground.cached` that the store would not find as they were cached. */
  gone: ReadonlySet<CachedToken>;
};

/** Of what nobody has looked at, nothing holds. */
export const NOTHING_STANDS: Standing = {
  atMs: Number.POSITIVE_INFINITY,
  versions: new Map(),
  gone: new Set(),
};

/** An event and what its answer rests on. */
type Based = { basis?: Basis | undefined };

/** The ground of all these events. */
export function groundOf(events: readonly Based[]): Ground {
  const vaultIds = new Set<number>();
  const cached: CachedToken[] = [];
  for (const { basis } of events) {
    if (basis === undefined) continue;
    for (const { vaultId } of basis.policies) vaultIds.add(vaultId);
    cached.push(...basis.cached);
  }
  return { vaultIds: [...vaultIds], cached };
}

/** How many events from the first on may share a batch, at most `limit`. The first one always may. */
export function fitting(events: readonly Based[], limit: number): number {
  let cached = 0;
  for (const [index, { basis }] of events.slice(0, limit).entries()) {
    cached += basis?.cached.length ?? 0;
    if (cached > MAX_CACHED && index > 0) return index;
  }
  return Math.min(events.length, limit);
}

/** What an event's caller is to be told when its basis is over; `undefined` when it holds. */
export function outdated(
  eventId: string,
  basis: Basis,
  { atMs, versions, gone }: Standing,
): OutdatedBasis | undefined {
  const over = {
    policies: basis.policies.filter(({ vaultId, version }) => versions.get(vaultId) !== version),
    cached: basis.cached.filter((token) => token.untilMs <= atMs || gone.has(token)),
  };
  const holds = over.policies.length === 0 && over.cached.length === 0;
  return holds ? undefined : new OutdatedBasis(eventId, over);
}
