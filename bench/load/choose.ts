import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { autocannonGenerator } from './autocannon.ts';
import type { Generator } from './generator.ts';
import { wrk } from './wrk.ts';

/** The generator of a whole run, floor included: `wrk` where it is installed, else `autocannon`. */
export async function chooseGenerator(): Promise<Generator> {
  // It prints its version and ends with 1.
  const answer = await promisify(execFile)('wrk', ['--version']).catch((error: unknown) => error);
  const isThere = !(answer instanceof Error && 'code' in answer && answer.code === 'ENOENT');
  return isThere ? wrk : autocannonGenerator;
}
