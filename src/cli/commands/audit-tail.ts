import { readTail } from '../../app/audit/tail.ts';
import { loadConfig } from '../../config/load-config.ts';
import { renderEntry } from '../audit-line.ts';
import { type Command, textOf, UsageError } from '../command.ts';

const DEFAULT_LIMIT = '20';
const MAX_LIMIT = 10_000;

export const auditTail: Command = {
  usage: '',
  summary: 'Print the last audit events, each checked against its MAC.',
  options: { limit: { type: 'string' } },
  help: [
    `--limit N   how many, 1 to ${MAX_LIMIT} (default: ${DEFAULT_LIMIT})`,
    'Reads the database itself, with the root key: DATABASE_URL and COUNTERFOIL_KEYRING, else the',
    'service that runs with dev. The lines hold personal data. Fails when a record was altered.',
  ],
  run: async (context, args) => {
    const limit = parseLimit(textOf(args, 'limit') ?? DEFAULT_LIMIT);
    const entries = await readTail(loadConfig(context.env, 'client'), limit);
    const render = args.values['json'] === true ? renderJson : renderEntry;
    context.out(entries.map((entry) => `${render(entry)}\n`).join(''));
    return entries.every((entry) => entry.intact);
  },
};

function renderJson(entry: Parameters<typeof renderEntry>[0]): string {
  return JSON.stringify(entry, (_key, value: unknown) =>
    typeof value === 'bigint' ? String(value) : value,
  );
}

function parseLimit(text: string): number {
  const limit = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (limit < 1 || limit > MAX_LIMIT) {
    throw new UsageError(`--limit must be a number from 1 to ${MAX_LIMIT}`);
  }
  return limit;
}
