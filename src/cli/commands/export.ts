import { resolve } from 'node:path';
import { Readable } from 'node:stream';
import { loadConfig } from '../../config/load-config.ts';
import { openClient } from '../client.ts';
import { type Command, textOf, UsageError } from '../command.ts';
import { saveFile } from '../save-file.ts';

export const exportVault: Command = {
  usage: '',
  summary: 'Export a vault with its keys, encrypted, for restore in another installation.',
  options: { vault: { type: 'string' }, out: { type: 'string' } },
  help: [
    '--vault V    the vault',
    '--out FILE   the file to write, in the age format; in place of any that is there',
    'Asks the service at COUNTERFOIL_URL, else the one that runs with dev, with COUNTERFOIL_TOKEN: of a role that',
    'is allowed vault.export (for dev: counterfoil dev-token --vault V --role R). The service must have',
    'COUNTERFOIL_EXPORT_RECIPIENTS; whoever has the identity of one of them can open the file, and every value.',
  ],
  run: async (context, args) => {
    const vault = textOf(args, 'vault');
    const out = textOf(args, 'out');
    if (vault === undefined || vault === '') throw new UsageError('--vault is required');
    if (out === undefined || out === '') throw new UsageError('--out is required');
    const path = resolve(out);
    const client = await openClient(loadConfig(context.env, 'client'));
    const response = await client.request({
      method: 'POST',
      path: `/v1/vaults/${encodeURIComponent(vault)}/export`,
      body: {},
    });
    const content = Readable.fromWeb(response.body ?? new ReadableStream());
    const { bytes } = await saveFile(content, path);
    context.out(
      args.values['json'] === true
        ? `${JSON.stringify({ vault, path, bytes })}\n`
        : `exported ${bytes} bytes to ${path}\n`,
    );
    return true;
  },
};
