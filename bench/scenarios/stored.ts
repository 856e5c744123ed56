import type { Server } from '../lab/processes.ts';
import { single } from '../load/workload.ts';
import { fillTokens } from './fill.ts';
import { type Case, type Context, interleave, type Scenario } from './scenario.ts';
import { NO_CACHE, withServers } from './servers.ts';
import { freshItems, loadCase, revealWork, workloadOf } from './work.ts';

/** Of all stored tokens, evenly spread: so many that their rows do not all stay where they were read last. */
const ASKED_FOR = 100_000;

/**
 * Single calls over few and over many stored tokens. The in-process cache is off: it would hold all of the few
 * and none of the many, and what grows here is the database.
 */
export const storedScenario: Scenario = {
  name: 'stored',
  title: 'By number of stored tokens, 64 connections, no cache',
  run: (context) =>
    withServers(context.lab, async (servers) => {
      const { lab, settings, report, stop } = context;
      const cases: Case[] = [];
      const speeds: string[] = [];
      for (const count of settings.storedTokens) {
        const database = await servers.database();
        const server = await servers.instance({ env: NO_CACHE, database });
        report(`stored: filling in ${count.toLocaleString('en')} tokens`);
        const filled = await fillTokens(lab, { database, count, keep: ASKED_FOR, stop });
        speeds.push(`${count.toLocaleString('en')} in ${Math.round(filled.seconds)} s`);
        cases.push(...casesOf(context, { count, server, tokens: filled.tokens }));
      }
      const how =
        'Stored tokens were put in by the statement of the token store, really sealed, in batches of 1,000 ' +
        `on two connections with synchronous_commit off: ${speeds.join(', ')}.`;
      return { measurements: await interleave(context, 'stored', cases), notes: [how] };
    }),
};

function casesOf(
  context: Context,
  { count, server, tokens }: { count: number; server: Server; tokens: readonly string[] },
): Case[] {
  const common = { servers: [server], connections: 64 };
  const stored = `${count.toLocaleString('en')} stored`;
  return [
    loadCase(context, {
      ...common,
      name: `detokenize-${count}`,
      title: `detokenize, ${stored}`,
      workload: revealWork(context, tokens),
    }),
    loadCase(context, {
      ...common,
      name: `tokenize-${count}`,
      title: `tokenize, new values, ${stored}`,
      workload: workloadOf(context, { call: 'tokenize', body: single(freshItems('email')) }),
    }),
  ];
}
