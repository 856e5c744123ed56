import { VaultError } from '../domain/errors.ts';
import type { SecretKey } from './secret.ts';

/** Versions of one key: the one that new work uses, and all that can still be read. */
export type KeyVersions = { active: number; readable: ReadonlyMap<number, SecretKey> };

/** The key that new work uses. Throws `internal` when it is not among the readable ones. */
export function activeKey({ active, readable }: KeyVersions): SecretKey {
  const key = readable.get(active);
  if (key === undefined) {
    throw new VaultError('internal', { detail: 'a keyset lacks its active key' });
  }
  return key;
}
