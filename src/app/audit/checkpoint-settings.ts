import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { makeFileHeadStore } from '../../adapters/file/heads.ts';
import { makePostgresHeadStore } from '../../adapters/postgres/heads.ts';
import {
  NO_WITNESSES,
  readWitnesses,
  type Witnessing,
} from '../../adapters/witness/read-witnesses.ts';
import type { Config } from '../../config/load-config.ts';
import type { LogKeySource } from '../../crypto/log-signer.ts';
import type { HeadStore } from '../../operations/ports/head-store.ts';
import { fileProblem } from '../start-error.ts';
import { readLogKey } from './log-key.ts';

/** What signs the audit log's checkpoints, where that is remembered, and who cosigns. */
export type CheckpointSettings = {
  keySources: readonly LogKeySource[];
  /** Keys that only verify. */
  retiredKeys: readonly LogKeySource[];
  /** To be closed by whoever got it. */
  heads: HeadStore;
  witnessing: Witnessing;
};

/**
 * Reads the files that the settings of the audit log name. Nothing is connected yet. Rejects with one line
 * when a file cannot be used.
 */
export async function readCheckpointSettings(
  audit: Pick<Config['audit'], 'keys' | 'head' | 'witnesses'>,
): Promise<CheckpointSettings> {
  const open = (keys: Config['audit']['keys']): Promise<LogKeySource[]> =>
    Promise.all(
      keys.map(async (key) =>
        key.kind === 'keyring' ? key.kind : (await readLogKey(key.path)).privateKey,
      ),
    );
  const keySources = await open(audit.keys.filter(({ isRetired }) => !isRetired));
  const retiredKeys = await open(audit.keys.filter(({ isRetired }) => isRetired));
  const witnessing = await openWitnesses(audit.witnesses);
  const { head } = audit;
  const heads =
    head.kind === 'folder'
      ? makeFileHeadStore(resolve(head.path))
      : makePostgresHeadStore(head.url.reveal());
  return { keySources, retiredKeys, heads, witnessing };
}

async function openWitnesses(path: string | undefined): Promise<Witnessing> {
  if (path === undefined) {
    return NO_WITNESSES;
  }
  try {
    return readWitnesses(await readFile(path));
  } catch (error) {
    throw fileProblem(`Cannot read ${path}`, error);
  }
}
