// The kinds of work that scenarios are made of.
import { VAULTS, type VaultName } from '../lab/policies.ts';
import type { Server } from '../lab/processes.ts';
import { type BodyPattern, type Items, single, type Workload } from '../load/workload.ts';
import { measureRound } from '../measure/round.ts';
import type { Case, Context } from './scenario.ts';

export type FieldName = 'email' | 'name' | 'card' | 'note';

/** Why a value is needed, as the policy asks for it. */
const REASON = '"view":"masked","purpose":"support-ticket"';

/** Values that a load never repeats, as members of a body, by field. */
const FRESH: Record<Exclude<FieldName, 'card'>, { before: string; after: string }> = {
  email: { before: '{"field":"email","value":"new-', after: '@example.com"}' },
  name: { before: '{"field":"name","value":"Person ', after: '"}' },
  note: { before: '{"field":"note","value":"Allergic to penicillin, case ', after: '"}' },
};

export const freshItems = (field: Exclude<FieldName, 'card'>): Items => ({
  kind: 'fresh',
  ...FRESH[field],
});

/** Digits of a card, the same for the same `n`. */
const cardNumber = (n: number): string => `4${String(n * 7_919).padStart(15, '0')}`;

/** So many values, as bodies of tokenize: the same at every call. */
export function knownItems(field: FieldName, count: number): string[] {
  return Array.from({ length: count }, (_, n) => {
    const value = field === 'email' ? `known${n}@example.com` : `Known ${n}`;
    return JSON.stringify({ field, value: field === 'card' ? cardNumber(n) : value });
  });
}

/** A body of a batch: `member` is the list's name. */
export function batchOf(items: Items, count: number, member: 'items' | 'tokens'): BodyPattern {
  const close = member === 'items' ? ']}' : `],${REASON}}`;
  return { open: `{"${member}":[`, items, count, separator: ',', close };
}

/** Bodies of a single detokenize; a computed token of FF1 names its field. */
export const revealItems = (tokens: readonly string[], field?: FieldName): Items => ({
  kind: 'list',
  texts: tokens.map((token) => {
    const named = field === 'card' ? '"field":"card",' : '';
    return `{"token":${JSON.stringify(token)},${named}${REASON}}`;
  }),
});

/** Puts values in and returns their tokens, through the batch route. */
export async function issueTokens(
  { lab }: Context,
  server: Server,
  { vault = 'one', items }: { vault?: VaultName; items: readonly string[] },
): Promise<string[]> {
  const tokens: string[] = [];
  for (let start = 0; start < items.length; start += 1_000) {
    const answer = await fetch(`${server.http}/v1/vaults/${vault}/tokenize/batch`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${lab.tokenFor('app')}`,
        'content-type': 'application/json',
      },
      body: `{"items":[${items.slice(start, start + 1_000).join(',')}]}`,
    });
    const body = (await answer.json()) as { items?: { token?: string }[] };
    if (!answer.ok) throw new Error(`tokenize was answered with ${answer.status}`);
    for (const { token } of body.items ?? []) {
      if (token === undefined) throw new Error('a value got no token');
      tokens.push(token);
    }
  }
  return tokens;
}

type Call = 'tokenize' | 'detokenize' | 'lookup';

/** Requests of one call to one vault. */
export function workloadOf(
  { lab }: Context,
  request: { call: Call; path?: string; vault?: VaultName; body: BodyPattern },
): Workload {
  const { call, path = call, vault = 'one', body } = request;
  return {
    token: lab.tokenFor(call === 'detokenize' ? 'support' : 'app'),
    mediaType: path.endsWith('/stream') ? 'application/x-ndjson' : 'application/json',
    requests: [{ path: `/v1/vaults/${vault}/${path}`, body }],
  };
}

/** Single reveals, of tokens in turn. */
export const revealWork = (
  context: Context,
  tokens: readonly string[],
  field?: FieldName,
): Workload =>
  workloadOf(context, { call: 'detokenize', body: single(revealItems(tokens, field)) });

/** Work of a generator on servers, as a case. */
export function loadCase(
  { lab, generator }: Context,
  input: {
    name: string;
    title: string;
    connections: number;
    servers: readonly Server[];
    workload: Workload;
    itemsPerRequest?: number;
  },
): Case {
  const { name, title, connections, servers, workload, itemsPerRequest = 1 } = input;
  const deps = { generator, postgres: lab.postgres };
  const target = { servers, workload, connections, itemsPerRequest };
  return {
    name,
    title,
    connections,
    itemsPerRequest,
    run: (seconds) => measureRound(deps, { ...target, seconds }),
  };
}

/** One workload over several vaults, which take turns. */
export function mixVaults(workloads: readonly Workload[]): Workload {
  const [first] = workloads;
  if (first === undefined) throw new Error('no workload to mix');
  return { ...first, requests: workloads.flatMap(({ requests }) => requests) };
}

/** The first so many vaults. */
export const vaultsOf = (count: number): readonly VaultName[] => VAULTS.slice(0, count);
