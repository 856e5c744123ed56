import { single } from '../load/workload.ts';
import { rawCases } from './raw-postgres.ts';
import { type Case, interleave, type Scenario } from './scenario.ts';
import { withServers } from './servers.ts';
import {
  batchOf,
  freshItems,
  issueTokens,
  knownItems,
  loadCase,
  revealItems,
  workloadOf,
} from './work.ts';

/** Batches under way at once; raw statements, too. */
const CONNECTIONS = 4;
const SIZES = [10, 100, 1_000];
const STORED = 10_000;
const STREAM_LINES = 1_000;

/** Batches, beside what Postgres itself does with the same rows. */
export const batchesScenario: Scenario = {
  name: 'batches',
  title: 'Batches, against raw Postgres',
  run: (context) =>
    withServers(context.lab, async (servers) => {
      const server = await servers.instance();
      const tokens = await issueTokens(context, server, { items: knownItems('email', STORED) });
      const quoted = { kind: 'list', texts: tokens.map((token) => JSON.stringify(token)) } as const;
      const cases = SIZES.flatMap((size): Case[] => {
        const common = { servers: [server], connections: CONNECTIONS, itemsPerRequest: size };
        const tokenize = batchOf(freshItems('email'), size, 'items');
        const detokenize = batchOf(quoted, size, 'tokens');
        return (
          [
            ['tokenize', tokenize],
            ['detokenize', detokenize],
          ] as const
        ).map(([call, body]) =>
          loadCase(context, {
            ...common,
            name: `${call}-${size}`,
            title: `${call}, batches of ${size.toLocaleString('en')}`,
            workload: workloadOf(context, { call, path: `${call}/batch`, body }),
          }),
        );
      });
      const raw = await rawCases(context, { connections: CONNECTIONS, stored: STORED });
      try {
        return { measurements: await interleave(context, 'batches', [...raw.cases, ...cases]) };
      } finally {
        await raw.close();
      }
    }),
};

/** Lines in, lines out: each request is a stream of so many lines. */
export const streamsScenario: Scenario = {
  name: 'streams',
  title: 'NDJSON streams',
  run: (context) =>
    withServers(context.lab, async (servers) => {
      const server = await servers.instance();
      const tokens = await issueTokens(context, server, { items: knownItems('email', STORED) });
      const lines = { open: '', count: STREAM_LINES, separator: '\n', close: '\n' };
      const cases = (
        [
          ['tokenize', freshItems('email')],
          ['detokenize', revealItems(tokens)],
        ] as const
      ).map(([call, items]) =>
        loadCase(context, {
          name: call,
          title: `${call}, streams of ${STREAM_LINES.toLocaleString('en')} lines`,
          servers: [server],
          connections: CONNECTIONS,
          itemsPerRequest: STREAM_LINES,
          workload: workloadOf(context, {
            call,
            path: `${call}/stream`,
            body: { ...lines, items },
          }),
        }),
      );
      return { measurements: await interleave(context, 'streams', cases) };
    }),
};

/** Other ways to make tokens: random ones, and those of which nothing is stored. */
export const modesScenario: Scenario = {
  name: 'modes',
  title: 'Random, FF1 and AES-SIV tokens, 64 connections',
  run: (context) =>
    withServers(context.lab, async (servers) => {
      const server = await servers.instance();
      const common = { servers: [server], connections: 64 };
      const cases: Case[] = [];
      for (const [field, title] of [
        ['name', 'random'],
        ['card', 'FF1'],
        ['note', 'AES-SIV'],
      ] as const) {
        const known = knownItems(field, STORED);
        const tokens = await issueTokens(context, server, { items: known });
        // Nothing is stored of computed tokens: a value that came before costs what a new one costs.
        const items =
          field === 'card' ? ({ kind: 'list', texts: known } as const) : freshItems(field);
        for (const [call, body] of [
          ['tokenize', single(items)],
          ['detokenize', single(revealItems(tokens, field))],
        ] as const) {
          const workload = workloadOf(context, { call, body });
          const name = `${call}-${field}`;
          cases.push(loadCase(context, { ...common, name, title: `${call}, ${title}`, workload }));
        }
      }
      return { measurements: await interleave(context, 'modes', cases) };
    }),
};
