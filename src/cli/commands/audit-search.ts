import { loadConfig } from '../../config/load-config.ts';
import { VaultError } from '../../domain/errors.ts';
import { renderEvent } from '../audit-line.ts';
import { type Client, openClient } from '../client.ts';
import { type Arguments, type Command, type Context, textOf, UsageError } from '../command.ts';
import { periodOf } from '../period-of.ts';

const DEFAULT_LIMIT = '50';
const MAX_LIMIT = 10_000;
/** Events that one answer may have. */
const MAX_PAGE = 100;

/** Options that are criteria of the search under their own name. */
const CRITERIA = [
  'vault',
  'token',
  'subject',
  'actor',
  'action',
  'outcome',
  'purpose',
  'reference',
] as const;

type Page = { events: unknown[]; cursor?: string };

export const auditSearch: Command = {
  usage: '',
  summary: 'Search the audit log, newest events first.',
  options: {
    ...Object.fromEntries(CRITERIA.map((name) => [name, { type: 'string' as const }])),
    from: { type: 'string' },
    to: { type: 'string' },
    limit: { type: 'string' },
    all: { type: 'boolean' },
  },
  help: [
    '--vault V      in this vault only',
    '--token T      about this token; - reads it from standard input, where no history keeps it',
    '--subject S    about tokens of this person, with --vault; - as above',
    '--actor A      by this caller; - as above',
    '--action X     tokenize, detokenize, audit.search, ...',
    '--outcome O    allow, deny or error',
    '--purpose P    for this declared purpose',
    '--reference R  for this reference; - as above',
    '--from T       not before this date or time, in UTC: 2026-01-31 or 2026-01-31T12:00Z',
    '--to T         before this date or time',
    `--limit N      how many, 1 to ${MAX_LIMIT} (default: ${DEFAULT_LIMIT})`,
    '--all          all that there are',
    'Asks the service at COUNTERFOIL_URL with COUNTERFOIL_TOKEN, else the one that runs with dev. The lines',
    'hold personal data, and the search itself goes on record. With --json, one event a line.',
  ],
  run: async (context, args) => {
    const limit = args.values['all'] === true ? Number.POSITIVE_INFINITY : parseLimit(args);
    const criteria = await readCriteria(context, args);
    const client = await openClient(loadConfig(context.env, 'client'));
    const render = args.values['json'] === true ? JSON.stringify : renderEvent;
    const { hasMore } = await search(client, { criteria, limit }, (events) => {
      context.out(events.map((event) => `${render(event)}\n`).join(''));
    });
    if (hasMore) {
      context.err('counterfoil: there may be more: take --all, or a larger --limit.\n');
    }
    return true;
  },
};

/** Turns pages until there are enough events: a page may hold few although more follow. */
async function search(
  client: Client,
  { criteria, limit }: { criteria: object; limit: number },
  take: (events: unknown[]) => void,
): Promise<{ hasMore: boolean }> {
  let left = limit;
  let cursor: string | undefined;
  do {
    const body = { ...criteria, limit: Math.min(left, MAX_PAGE), cursor };
    const response = await client.request({ method: 'POST', path: '/v1/audit/search', body });
    const page = readPage(await response.json().catch(() => undefined));
    take(page.events);
    left -= page.events.length;
    cursor = page.cursor;
  } while (cursor !== undefined && left > 0);
  return { hasMore: cursor !== undefined };
}

function readPage(answer: unknown): Page {
  const { events, cursor } = Object(answer) as Record<string, unknown>;
  if (!Array.isArray(events) || !(cursor === undefined || typeof cursor === 'string')) {
    throw new VaultError('internal', {
      detail: 'The service answered something else than events.',
    });
  }
  return { events, ...(cursor !== undefined && { cursor }) };
}

async function readCriteria(context: Context, args: Arguments): Promise<object> {
  const given = CRITERIA.flatMap((name) => {
    const value = textOf(args, name);
    return value === undefined ? [] : [{ name, value }];
  });
  const fromInput = given.filter(({ value }) => value === '-');
  if (fromInput.length > 1) {
    throw new UsageError(
      `only one of --${fromInput.map(({ name }) => name).join(', --')} can be -`,
    );
  }
  const input = fromInput.length === 0 ? '' : (await context.input()).trim();
  return {
    ...Object.fromEntries(given.map(({ name, value }) => [name, value === '-' ? input : value])),
    ...periodOf(args),
  };
}

function parseLimit(args: Arguments): number {
  const text = textOf(args, 'limit') ?? DEFAULT_LIMIT;
  const limit = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (limit < 1 || limit > MAX_LIMIT) {
    throw new UsageError(`--limit must be a number from 1 to ${MAX_LIMIT}`);
  }
  return limit;
}
