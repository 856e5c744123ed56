import { sha256 } from '../../crypto/digest.ts';
import type { UnverifiedJws } from './compact-jws.ts';
import type { Verifier } from './verifier.ts';

/** A token whose signature held, and the key that said so. */
export type SignedJws = { jws: UnverifiedJws; verifier: Verifier };

type Entry = SignedJws & { untilMs: number };

const MAX_AGE_MS = 60_000;
const MAX_ENTRIES = 10_000;

/**
 * Remembers for 60 s that a signature was good, by the SHA-256 of the whole token: the same digest is
 * the same header, claims and signature. It spares parsing and the signature check, nothing else; the
 * caller still checks every time that the key is in force and that the claims hold now.
 */
export function makeSignatureMemory(monotonicMs: () => number) {
  const entries = new Map<string, Entry>();
  const digestOf = (authorization: string) => sha256(authorization).toString('base64');
  return {
    find(authorization: string): SignedJws | undefined {
      const digest = digestOf(authorization);
      const entry = entries.get(digest);
      if (entry !== undefined && entry.untilMs <= monotonicMs()) {
        entries.delete(digest);
        return undefined;
      }
      return entry;
    },
    /** Forgets the oldest entry when full: insertion order is age. */
    remember(authorization: string, signed: SignedJws): void {
      if (entries.size >= MAX_ENTRIES) {
        for (const oldest of entries.keys()) {
          entries.delete(oldest);
          break;
        }
      }
      entries.set(digestOf(authorization), { ...signed, untilMs: monotonicMs() + MAX_AGE_MS });
    },
  };
}
