import { resolve } from 'node:path';
import { createLogKey } from '../../app/audit/log-key.ts';
import { type Command, UsageError } from '../command.ts';

export const auditKey: Command = {
  usage: 'new PATH NAME',
  summary: 'Make a key file for COUNTERFOIL_AUDIT_KEY, and print its public key.',
  options: {},
  help: [
    'The file is new, or the command fails. Checkpoints are signed under the name of their shard, so with',
    'that as NAME (vault.example.com/audit/2026) the printed key is the one that auditors need.',
  ],
  run: async (context, args) => {
    const [verb, path, name, ...rest] = args.words;
    if (verb !== 'new' || path === undefined || name === undefined || rest.length > 0) {
      throw new UsageError('expected: new PATH NAME');
    }
    const vkey = await createLogKey(resolve(path), name);
    context.out(
      args.values['json'] === true
        ? `${JSON.stringify({ path: resolve(path), vkey })}\n`
        : `${vkey}\n`,
    );
    return true;
  },
};
