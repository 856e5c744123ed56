import { execFile } from 'node:child_process';
import { cpus, release, totalmem, type } from 'node:os';
import { promisify } from 'node:util';
import type { Result } from './result.ts';

/** The machine as far as a figure depends on it: no names, no paths. */
export function describeMachine(): Result['machine'] {
  const cores = cpus();
  return {
    cpu: cores[0]?.model.trim() || 'unknown',
    cores: cores.length,
    memoryGib: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release().split('-')[0]}`,
  };
}

/**
 * The commit that is measured, `+` behind it when files differ from it, other than results; `unknown` outside a
 * clone.
 */
export async function describeCommit(root: string): Promise<string> {
  const git = async (...args: string[]) =>
    (await promisify(execFile)('git', ['-C', root, ...args])).stdout.trim();
  try {
    const commit = await git('rev-parse', '--short=12', 'HEAD');
    return (await git('status', '--porcelain', '--', '.', ':!bench/results')) === ''
      ? commit
      : `${commit}+`;
  } catch {
    return 'unknown';
  }
}
