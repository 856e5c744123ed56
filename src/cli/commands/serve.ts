import { runServe } from '../../app/serve.ts';
import { loadConfig } from '../../config/load-config.ts';
import { checkRuntime } from '../check-runtime.ts';
import type { Command } from '../command.ts';
import { describeFailure } from '../report-failure.ts';
import { WORKERS_HELP, WORKERS_OPTION, withWorkers } from '../worker-count.ts';

export const serve: Command = {
  usage: '',
  summary: 'Start the service on a database of your own.',
  options: WORKERS_OPTION,
  help: [WORKERS_HELP, 'Settings: the environment, see docs/configuration.md.'],
  run: async (context, args) => {
    const config = loadConfig(withWorkers(context.env, args), 'serve');
    checkRuntime({ nodeOptions: context.env['NODE_OPTIONS'], execArgv: process.execArgv });
    return runServe({
      config,
      ...context.catchSignals(),
      warn: (lines) => context.err(`counterfoil: ${lines}\n`),
      describe: describeFailure,
    });
  },
};
