import { resolve } from 'node:path';
import { createRootKey } from '../../app/root-key.ts';
import { type Command, UsageError } from '../command.ts';

export const keyring: Command = {
  usage: 'new PATH',
  summary: 'Make a root key file for COUNTERFOIL_KEYRING.',
  options: {},
  help: ['The file is new, or the command fails. Keep a copy: without it the data are lost.'],
  run: async (context, args) => {
    const [verb, path, ...rest] = args.words;
    if (verb !== 'new' || path === undefined || rest.length > 0) {
      throw new UsageError('expected: new PATH');
    }
    await createRootKey(resolve(path));
    const setting = `raw-aes:${resolve(path)}`;
    context.out(
      args.values['json'] === true
        ? `${JSON.stringify({ keyring: setting })}\n`
        : `COUNTERFOIL_KEYRING=${setting}\n`,
    );
    return true;
  },
};
