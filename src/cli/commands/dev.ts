import { runDev } from '../../app/dev.ts';
import { loadConfig } from '../../config/load-config.ts';
import type { Command } from '../command.ts';
import { describeFailure } from '../report-failure.ts';
import { WORKERS_HELP, WORKERS_OPTION, withWorkers } from '../worker-count.ts';

export const dev: Command = {
  usage: '',
  summary: 'Start a service for development, with its own Postgres, keys and tokens.',
  options: WORKERS_OPTION,
  help: [WORKERS_HELP, 'Settings: the environment, see docs/configuration.md. None is needed.'],
  run: async (context, args) => {
    const config = loadConfig(withWorkers(context.env, args), 'dev');
    return runDev({
      config,
      ...context.catchSignals(),
      print: context.out,
      warn: (lines) => context.err(`counterfoil: ${lines}\n`),
      describe: describeFailure,
      json: args.values['json'] === true,
    });
  },
};
