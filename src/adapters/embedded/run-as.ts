import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { startFailure } from './start-failure.ts';

/** As whom Postgres runs. It refuses root, and wants its data directory to be its own. */
export type RunAs = {
  /** The program and arguments to start instead. */
  command(program: string, args: readonly string[]): [string, string[]];
  /** For `spawn`. Empty when the process keeps its user. */
  ids: { uid?: number; gid?: number };
  /** Hands a file or folder that we have made over to that user. */
  give(path: string): void;
  /** Mode of folders above the data directory that this user must pass through. */
  passMode: number;
};

const MYSELF: RunAs = {
  command: (program, args) => [program, [...args]],
  ids: {},
  give: () => {},
  passMode: 0o700,
};

/** Only the number changes: outside the namespace the process is still root, and reaches its files. */
const NAMESPACE = ['--user', '--map-user=1000', '--map-group=1000'];

/** Nothing of our own environment is Postgres's business; there may be secrets in it. */
export const CHILD_ENV = { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' };

/**
 * Chooses the user for Postgres. Not root: ourselves. Root: the owner of the data, when that is
 * another user; else root dressed as uid 1000 in a user namespace; else the account `postgres` or
 * `nobody`, when it can reach folder and programs. Throws one line when nothing is left.
 *
 * @param options.data the data directory, which need not exist yet
 * @param options.program a program of Postgres, for trying
 */
export function chooseRunAs({ data, program }: { data: string; program: string }): RunAs {
  if (process.getuid === undefined) {
    throw startFailure('The embedded Postgres needs Linux or macOS (on Windows: WSL).');
  }
  if (process.getuid() !== 0) {
    return MYSELF;
  }
  const owner = existsSync(data) ? statSync(data) : undefined;
  if (owner !== undefined && owner.uid !== 0) {
    return asUser(owner.uid, owner.gid, 0o711);
  }
  if (succeeds('unshare', [...NAMESPACE, program, '--version'])) {
    return inNamespace();
  }
  const account = owner === undefined ? findAccount(data, program) : undefined;
  if (account === undefined) {
    throw startFailure(
      'Postgres does not run as root, user namespaces are not allowed here, and no other account can reach its files: start as an ordinary user, or set COUNTERFOIL_DATA_DIR to a folder that the user nobody can reach.',
    );
  }
  return asUser(account.uid, account.gid, 0o711);
}

function inNamespace(): RunAs {
  return { ...MYSELF, command: (program, args) => ['unshare', [...NAMESPACE, program, ...args]] };
}

function asUser(uid: number, gid: number, passMode: number): RunAs {
  return { ...MYSELF, ids: { uid, gid }, passMode, give: (path) => chownSync(path, uid, gid) };
}

function findAccount(data: string, program: string) {
  const folder = dirname(dirname(data));
  const { mode } = statSync(folder);
  // The folder is ours to open for passing through; what lies in it keeps its own modes.
  chmodSync(folder, mode | 0o011);
  const found = ['postgres', 'nobody'].map(accountOf).find((account) => {
    const reaches = ['-c', 'cd -- "$1" && exec "$2" --version', 'sh', folder, program];
    return account !== undefined && succeeds('/bin/sh', reaches, account);
  });
  if (found === undefined) {
    chmodSync(folder, mode);
  }
  return found;
}

function accountOf(name: string): { uid: number; gid: number } | undefined {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((entry) => entry.startsWith(`${name}:`));
  const [, , uid, gid] = line?.split(':') ?? [];
  return uid === undefined || gid === undefined
    ? undefined
    : { uid: Number(uid), gid: Number(gid) };
}

function succeeds(program: string, args: string[], ids: RunAs['ids'] = {}): boolean {
  const run = spawnSync(program, args, { ...ids, env: CHILD_ENV, stdio: 'ignore', cwd: '/' });
  return run.status === 0;
}
