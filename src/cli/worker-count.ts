import type { Environment } from '../config/load-config.ts';
import { VARIABLES } from '../config/variables.ts';
import { type Arguments, textOf, UsageError } from './command.ts';

/** Of the commands that serve. */
export const WORKERS_OPTION = { workers: { type: 'string' } } as const;

export const WORKERS_HELP =
  '--workers N serve by N processes, on one port; goes before COUNTERFOIL_WORKERS';

/** The environment with the number of workers that the command line names, if it does. */
export function withWorkers(env: Environment, args: Arguments): Environment {
  const given = textOf(args, 'workers');
  if (given === undefined) return env;
  const { error } = VARIABLES.shape.COUNTERFOIL_WORKERS.safeParse(given);
  if (error !== undefined) throw new UsageError(`--workers ${error.issues[0]?.message}`);
  return { ...env, COUNTERFOIL_WORKERS: given };
}
