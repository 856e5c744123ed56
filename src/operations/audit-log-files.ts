import { VaultError } from '../domain/errors.ts';
import type { AuditOperations } from './audit-operations.ts';
import type { AuditDeps } from './steps/audit-deps.ts';
import { makeBound } from './steps/bound.ts';
import { findShard, orNotFound, readTilePath } from './steps/log-files.ts';

type Deps = Pick<AuditDeps, 'reader' | 'vkeysOf' | 'receipts'>;

/** Strangers who are served at once. They wait for the connections that checkpoints are signed over, too. */
const MAX_AT_ONCE = 32;

/** The files of the log that everybody may read; `overloaded` for whoever is one too many. */
export function makeAuditLogFiles(
  deps: Deps,
): Pick<
  AuditOperations,
  'auditCheckpoint' | 'auditTile' | 'auditVerifierKeys' | 'erasureVerifierKeys'
> {
  const bounded = makeBound(MAX_AT_ONCE);
  return {
    auditCheckpoint: bounded(makeAuditCheckpoint(deps)),
    auditTile: bounded(makeAuditTile(deps)),
    auditVerifierKeys: bounded(makeAuditVerifierKeys(deps)),
    erasureVerifierKeys: bounded(makeErasureVerifierKeys(deps)),
  };
}

/** Serves the newest published checkpoint of a shard, with its signatures (tlog-tiles). Public. */
function makeAuditCheckpoint(deps: Deps): AuditOperations['auditCheckpoint'] {
  return async ({ shard }) => {
    const { logId } = await findShard(deps, shard);
    return orNotFound(await deps.reader.checkpoint(logId)).note;
  };
}

/**
 * Serves hash tiles of the published tree (tlog-tiles). Public: an event's id is random, so that no leaf can be
 * guessed from its hash. Entries are no hashes, under whatever spelling their path arrives here.
 */
function makeAuditTile(deps: Deps): AuditOperations['auditTile'] {
  return async ({ shard, path }) => {
    const { level, index, width } = readTilePath(path);
    if (level === 'entries') throw new VaultError('not_found');
    const { logId } = await findShard(deps, shard);
    return orNotFound(await deps.reader.tile(logId, { level, index, width }));
  };
}

/** Serves the keys that verify a shard's checkpoints, one a line. Public; believe them from elsewhere. */
function makeAuditVerifierKeys(deps: Deps): AuditOperations['auditVerifierKeys'] {
  return async ({ shard }) => {
    const { origin } = await findShard(deps, shard);
    const keys = await deps.vkeysOf(origin);
    return orNotFound(keys.length === 0 ? undefined : keys.map((key) => `${key}\n`).join(''));
  };
}

/** Serves the key that verifies receipts about erasures. Public; believe it from elsewhere. */
function makeErasureVerifierKeys({ receipts }: Deps): AuditOperations['erasureVerifierKeys'] {
  return async () => `${await receipts.verifierKey()}\n`;
}
