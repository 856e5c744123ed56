import { VaultError } from '../../domain/errors.ts';
import { parseTilePath, type TilePath } from '../../tlog/tile-path.ts';
import type { AuditReader, Shard } from '../ports/audit-reader.ts';

/** In URLs, the shard that takes events now. */
const ACTIVE = 'active';

/**
 * The shard of that name, or the active one for `active`.
 * @throws VaultError `not_found`
 */
export async function findShard({ reader }: { reader: AuditReader }, name: string): Promise<Shard> {
  const shards = await reader.shards();
  const found = shards.find(({ shard, state }) =>
    name === ACTIVE ? state === ACTIVE : shard === name,
  );
  if (found === undefined) throw new VaultError('not_found');
  return found;
}

/**
 * Reads the path of a tile or bundle below `tile/`, in its one spelling (tlog-tiles).
 * @throws VaultError `not_found` for any other text
 */
export function readTilePath(path: string): TilePath {
  try {
    return parseTilePath(`tile/${path}`);
  } catch (cause) {
    throw new VaultError('not_found', { cause });
  }
}

/** What the published tree has. @throws VaultError `not_found` */
export function orNotFound<Found>(found: Found | undefined): Found {
  if (found === undefined) throw new VaultError('not_found');
  return found;
}
