import type { Context } from '../../src/cli/command.ts';

/** What a command sees of the world, for a command that asks the service at this address. */
export function openContext(
  url: string,
  { input = '' } = {},
): Context & { printed: { out: string; err: string } } {
  const printed = { out: '', err: '' };
  return {
    env: { COUNTERFOIL_URL: url, COUNTERFOIL_TOKEN: 'token-1' },
    printed,
    out: (text) => {
      printed.out += text;
    },
    err: (text) => {
      printed.err += text;
    },
    input: async () => input,
    catchSignals: () => ({ stop: AbortSignal.abort(), hurry: AbortSignal.abort() }),
  };
}
