import { chmod, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunAs } from './run-as.ts';

/** How the names of our socket folders begin. */
export const RUN_DIR_PREFIX = 'counterfoil-';

/** `sockaddr_un` takes 104 bytes on macOS and 108 on Linux, the final NUL included. */
const MAX_SOCKET_PATH_BYTES = 103;
const SOCKET_NAME = '/.s.PGSQL.5432.lock';

/**
 * Makes a folder for the socket, readable by the user of Postgres alone. It does not lie in the data
 * directory: the path of a socket is short by law.
 */
export async function makeRunDir(runAs: RunAs): Promise<string> {
  const random = 'XXXXXX';
  const path = join(tmpdir(), `${RUN_DIR_PREFIX}${random}${SOCKET_NAME}`);
  const parent = Buffer.byteLength(path) <= MAX_SOCKET_PATH_BYTES ? tmpdir() : '/tmp';
  const made = await mkdtemp(join(parent, RUN_DIR_PREFIX));
  await chmod(made, 0o700);
  runAs.give(made);
  return made;
}
