import { runDev } from '../../app/dev.ts';
import { loadConfig } from '../../config/load-config.ts';
import type { Command } from '../command.ts';

export const dev: Command = {
  usage: '',
  summary: 'Start a service for development, with its own Postgres, keys and tokens.',
  options: {},
  help: ['Settings: the environment, see docs/configuration.md. None is needed.'],
  run: async (context, args) => {
    const config = loadConfig(context.env, 'dev');
    await runDev({
      config,
      ...context.catchSignals(),
      print: context.out,
      warn: (line) => context.err(`counterfoil: ${line}\n`),
      json: args.values['json'] === true,
    });
    return true;
  },
};
