import { VaultError } from '../domain/errors.ts';
import type { AuditOperations } from './audit-operations.ts';
import type { AuditDeps } from './steps/audit-deps.ts';
import { findShard, orNotFound, readTilePath } from './steps/log-files.ts';

type Deps = Pick<AuditDeps, 'reader' | 'vkeysOf'>;

/** Serves the newest published checkpoint of a shard, with its signatures (tlog-tiles). Public. */
export function makeAuditCheckpoint(deps: Deps): AuditOperations['auditCheckpoint'] {
  return async ({ shard }) => {
    const { logId } = await findShard(deps, shard);
    return orNotFound(await deps.reader.checkpoint(logId)).note;
  };
}

/**
 * Serves hash tiles of the published tree (tlog-tiles). Public: an event's id is random, so that no leaf can be
 * guessed from its hash. Entries are no hashes, under whatever spelling their path arrives here.
 */
export function makeAuditTile(deps: Deps): AuditOperations['auditTile'] {
  return async ({ shard, path }) => {
    const { level, index, width } = readTilePath(path);
    if (level === 'entries') throw new VaultError('not_found');
    const { logId } = await findShard(deps, shard);
    return orNotFound(await deps.reader.tile(logId, { level, index, width }));
  };
}

/** Serves the keys that verify a shard's checkpoints, one a line. Public; believe them from elsewhere. */
export function makeAuditVerifierKeys(deps: Deps): AuditOperations['auditVerifierKeys'] {
  return async ({ shard }) => {
    const { origin } = await findShard(deps, shard);
    const keys = await deps.vkeysOf(origin);
    return orNotFound(keys.length === 0 ? undefined : keys.map((key) => `${key}\n`).join(''));
  };
}
