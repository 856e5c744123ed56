import { VaultError } from '../domain/errors.ts';

/** Options of Node that open the memory of the process to others, or let others' code in. */
const DANGEROUS =
  /(?:^|\s)(?:-r|--(?:inspect|require|import|loader|experimental-loader|heapsnapshot|heap-prof|cpu-prof|report|abort-on-uncaught-exception)[\w-]*)(?=[=\s]|$)/;

/** Refuses to serve under a debugger or with preloaded code: keys and values would be in the open. */
export function checkRuntime(options: {
  nodeOptions: string | undefined;
  execArgv: readonly string[];
}): void {
  const found = DANGEROUS.exec([options.nodeOptions ?? '', ...options.execArgv].join(' '));
  if (found !== null) {
    throw new VaultError('internal', {
      detail: `Node was started with ${found[0].trim()}, which opens its memory or loads other code: serve refuses that. Look at NODE_OPTIONS.`,
    });
  }
}
