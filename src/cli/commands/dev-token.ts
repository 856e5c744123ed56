import { resolve } from 'node:path';
import { findDevIssuer } from '../../app/dev-issuer.ts';
import { systemClock } from '../../app/system-clock.ts';
import { loadConfig } from '../../config/load-config.ts';
import { type Command, textOf, UsageError } from '../command.ts';

export const devToken: Command = {
  usage: '',
  summary: 'Make a bearer token for a service started with dev.',
  options: {
    role: { type: 'string' },
    mfa: { type: 'boolean' },
    sub: { type: 'string' },
    vault: { type: 'string', multiple: true },
  },
  help: [
    '--role R    the role that it carries (required)',
    '--mfa       as if a second factor had been given',
    '--sub S     the caller that it names (default: dev-R)',
    '--vault V   a vault that it opens, can be repeated; * is all (default: demo)',
  ],
  run: async (context, args) => {
    const role = textOf(args, 'role');
    if (role === undefined || role === '') {
      throw new UsageError('--role is required');
    }
    const config = loadConfig(context.env, 'client');
    const issuer = await findDevIssuer({
      dataDir: resolve(config.dataDir),
      claims: { roles: config.rolesClaim, vaults: config.vaultsClaim },
      clock: systemClock,
    });
    const vaults = [args.values['vault'] ?? []].flat().map(String);
    const token = issuer.issue({
      role,
      mfa: args.values['mfa'] === true,
      sub: textOf(args, 'sub'),
      ...(vaults.length > 0 && { vaults }),
    });
    context.out(`${args.values['json'] === true ? JSON.stringify({ token }) : token}\n`);
    return true;
  },
};
