import { runMigrations } from '../../app/run-migrations.ts';
import { loadConfig } from '../../config/load-config.ts';
import type { Command } from '../command.ts';

export const migrate: Command = {
  usage: '',
  summary: 'Bring the database up to this release.',
  options: {},
  help: ['Settings: COUNTERFOIL_MIGRATE_URL, else DATABASE_URL, of the owner role.'],
  run: async (context, args) => {
    const applied = await runMigrations(loadConfig(context.env, 'migrate'));
    if (args.values['json'] === true) {
      context.out(`${JSON.stringify({ applied })}\n`);
    } else {
      const what = applied.length === 0 ? 'nothing to do' : `applied ${applied.join(', ')}`;
      context.out(`migrate: ${what}\n`);
    }
    return true;
  },
};
