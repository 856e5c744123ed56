import { sha256Base64url } from '../../crypto/digest.ts';
import type { Grant } from './claims.ts';
import type { KeySet } from './key-set.ts';
import type { Verifier } from './verifier.ts';

/** What a token said whose signature held: by which key of which issuer, and to whom it gives what. */
export type Verified = { keys: KeySet; kid: string; verifier: Verifier; grant: Grant };

type Entry = Verified & { untilMs: number };

const MAX_AGE_MS = 60_000;
const MAX_ENTRIES = 10_000;

/**
 * Remembers for 60 s that a signature was good, by the SHA-256 of the whole token: the same digest is
 * the same header, claims and signature. It spares parsing and the signature check, nothing else; the
 * caller still checks every time that the key is in force and that the times hold now.
 */
export function makeSignatureMemory(monotonicMs: () => number) {
  const entries = new Map<string, Entry>();
  return {
    find(authorization: string): Verified | undefined {
      const digest = sha256Base64url(authorization);
      const entry = entries.get(digest);
      if (entry !== undefined && entry.untilMs <= monotonicMs()) {
        entries.delete(digest);
        return undefined;
      }
      return entry;
    },
    /** Forgets the oldest entry when full: insertion order is age. */
    remember(authorization: string, verified: Verified): void {
      if (entries.size >= MAX_ENTRIES) {
        for (const oldest of entries.keys()) {
          entries.delete(oldest);
          break;
        }
      }
      const untilMs = monotonicMs() + MAX_AGE_MS;
      entries.set(sha256Base64url(authorization), { ...verified, untilMs });
    },
  };
}
