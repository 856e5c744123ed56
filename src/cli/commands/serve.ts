import { runServe } from '../../app/serve.ts';
import { loadConfig } from '../../config/load-config.ts';
import { checkRuntime } from '../check-runtime.ts';
import type { Command } from '../command.ts';

export const serve: Command = {
  usage: '',
  summary: 'Start the service on a database of your own.',
  options: {},
  help: ['Settings: the environment, see docs/configuration.md.'],
  run: async (context) => {
    const config = loadConfig(context.env, 'serve');
    checkRuntime({ nodeOptions: context.env['NODE_OPTIONS'], execArgv: process.execArgv });
    await runServe({ config, ...context.catchSignals() });
    return true;
  },
};
