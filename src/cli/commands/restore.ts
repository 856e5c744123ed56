import { resolve } from 'node:path';
import { type Restored, restoreExport } from '../../app/restore.ts';
import { loadConfig } from '../../config/load-config.ts';
import { type Arguments, type Command, textOf, UsageError } from '../command.ts';
import { printable } from '../printable.ts';

export const restore: Command = {
  usage: '',
  summary: 'Put an exported vault in place in this installation.',
  options: { in: { type: 'string' }, identity: { type: 'string' } },
  help: [
    '--in FILE        what counterfoil export wrote',
    '--identity FILE  the secret key of a recipient, from counterfoil export-key new',
    'Works on the database of DATABASE_URL with COUNTERFOIL_KEYRING, else on that of dev, as audit erase does.',
    'There must be no vault of that name. Start the services again afterwards: they read their vaults then.',
    'The file says nothing of who wrote it: restore only one whose way you know.',
  ],
  run: async (context, args) => {
    const file = resolve(required(args, 'in'));
    const identity = resolve(required(args, 'identity'));
    const restored = await restoreExport(loadConfig(context.env, 'client'), { file, identity });
    context.out(args.values['json'] === true ? `${JSON.stringify(restored)}\n` : render(restored));
    return true;
  },
};

function required(args: Arguments, name: string): string {
  const text = textOf(args, name);
  if (text === undefined || text === '') throw new UsageError(`--${name} is required`);
  return text;
}

function render({ vault, exportedAt, rows }: Restored): string {
  return [
    `restored vault ${printable(vault)} as of ${printable(exportedAt)}: ${rows.token} tokens, ${rows.subject} subjects, ${rows.key} keys`,
    'Start the services again: they read their vaults then.',
    '',
  ].join('\n');
}
