import { importVerificationKey, type VerificationKey } from '../../crypto/verification-key.ts';
import type { Clock } from '../../operations/ports/clock.ts';
import { makeVerifier, type Verifier } from './verifier.ts';

const FRESH_MS = 5 * 60_000;
/** Past this age a request waits for the refresh, so that a quiet service does not use an old set. */
const STALE_MS = 2 * FRESH_MS;
/** Without any good refresh for this long, the last good set is no longer believed. */
const DEAD_MS = 60 * 60_000;
const RETRY_MS = 30_000;
/** While there is no set to fall back on, every request fails: try more often. */
const URGENT_RETRY_MS = 1000;
const MAX_KEYS = 64;

/** The public keys of one issuer, kept current. */
export type KeySet = {
  /** The key of that id that is in force now, or `undefined`. */
  find: (kid: string) => Promise<Verifier | undefined>;
  /** As `find`, at once. `undefined` says nothing when the set is due for a refresh, or has no such key. */
  peek: (kid: string) => Verifier | undefined;
  close: () => Promise<void>;
};

/**
 * Keeps an issuer's keys: refreshed after 5 minutes (in the background; a request waits from 10 minutes
 * on) and on an unknown key id, at most once in 30 s and one read at a time. A failed refresh keeps the
 * last good set, for an hour. A key that a refresh no longer lists is gone with it at once.
 */
export function makeKeySet(deps: {
  read: () => Promise<readonly unknown[]>;
  clock: Pick<Clock, 'monotonic'>;
  /** Told of each refresh that failed. */
  failed?: ((error: unknown) => void) | undefined;
}): KeySet {
  const { read, clock, failed } = deps;
  let verifiers: ReadonlyMap<string, Verifier> = new Map();
  let goodAtMs = Number.NEGATIVE_INFINITY;
  let triedAtMs = Number.NEGATIVE_INFINITY;
  let running: Promise<void> | undefined;

  const ageMs = () => clock.monotonic() - goodAtMs;

  const load = async (): Promise<void> => {
    const previous = verifiers;
    const next = await toVerifiers(await read(), previous);
    verifiers = next;
    goodAtMs = clock.monotonic();
    const dropped = [...previous.values()].filter((one) => next.get(one.key.kid) !== one);
    await Promise.all(dropped.map((one) => one.close()));
  };

  /** Never rejects: what counts afterwards is how old the last good set is. */
  const refresh = (): Promise<void> => {
    const retryMs = ageMs() < DEAD_MS ? RETRY_MS : URGENT_RETRY_MS;
    if (running === undefined && clock.monotonic() - triedAtMs >= retryMs) {
      triedAtMs = clock.monotonic();
      running = load()
        .catch((error: unknown) => failed?.(error))
        .finally(() => {
          running = undefined;
        });
    }
    return running ?? Promise.resolve();
  };

  return {
    peek: (kid) => (ageMs() < FRESH_MS ? verifiers.get(kid) : undefined),
    async find(kid) {
      if (ageMs() >= FRESH_MS) {
        const refreshed = refresh();
        if (ageMs() >= STALE_MS) {
          await refreshed;
        }
      }
      if (!verifiers.has(kid)) {
        await refresh();
      }
      return ageMs() < DEAD_MS ? verifiers.get(kid) : undefined;
    },
    async close() {
      await running;
      await Promise.all([...verifiers.values()].map((one) => one.close()));
    },
  };
}

/** An unchanged key keeps its verifier. An id that names two different keys names none. */
async function toVerifiers(
  jwks: readonly unknown[],
  previous: ReadonlyMap<string, Verifier>,
): Promise<ReadonlyMap<string, Verifier>> {
  const keys = new Map<string, VerificationKey>();
  const ambiguous = new Set<string>();
  for (const jwk of jwks.slice(0, MAX_KEYS)) {
    const key = importVerificationKey(jwk);
    if (key !== undefined) {
      const other = keys.get(key.kid);
      if (other !== undefined && !isSameKey(other, key)) {
        ambiguous.add(key.kid);
      }
      keys.set(key.kid, key);
    }
  }
  const kept = [...keys.values()].filter((key) => !ambiguous.has(key.kid));
  const verifiers = await Promise.all(
    kept.map((key) => {
      const known = previous.get(key.kid);
      return known !== undefined && isSameKey(known.key, key) ? known : makeVerifier(key);
    }),
  );
  return new Map(verifiers.map((verifier) => [verifier.key.kid, verifier]));
}

function isSameKey(a: VerificationKey, b: VerificationKey): boolean {
  return a.algorithm === b.algorithm && a.spkiPem === b.spkiPem;
}
