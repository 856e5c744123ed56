import { resolve } from 'node:path';
import { createExportKey } from '../../app/export-key.ts';
import { type Command, UsageError } from '../command.ts';

export const exportKey: Command = {
  usage: 'new FILE',
  summary: 'Make an identity that opens exports, and print its recipient.',
  options: {},
  help: [
    'The file is new, or the command fails; the age tools read it. Whoever has it can open every export for',
    'its recipient: keep it away from the service, which needs the recipient only.',
  ],
  run: async (context, args) => {
    const [verb, path, ...rest] = args.words;
    if (verb !== 'new' || path === undefined || rest.length > 0) {
      throw new UsageError('expected: new FILE');
    }
    const recipient = await createExportKey(resolve(path));
    context.out(
      args.values['json'] === true
        ? `${JSON.stringify({ recipient })}\n`
        : `COUNTERFOIL_EXPORT_RECIPIENTS=${recipient}\n`,
    );
    return true;
  },
};
