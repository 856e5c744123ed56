import { single, type Workload } from '../load/workload.ts';
import { type Case, type Context, interleave, type Scenario } from './scenario.ts';
import { withServers } from './servers.ts';
import {
  freshItems,
  issueTokens,
  knownItems,
  loadCase,
  mixVaults,
  revealItems,
  vaultsOf,
  workloadOf,
} from './work.ts';

const STORED = 10_000;
const VAULT_COUNTS = [1, 2, 4];

/** Calls that go to several vaults in turn. */
export const vaultsScenario: Scenario = {
  name: 'vaults',
  title: 'One, two and four vaults mixed, 64 connections',
  run: (context) =>
    withServers(context.lab, async (servers) => {
      const server = await servers.instance();
      const reveals: Workload[] = [];
      const tokenizes: Workload[] = [];
      for (const vault of vaultsOf(Math.max(...VAULT_COUNTS))) {
        const tokens = await issueTokens(context, server, {
          vault,
          items: knownItems('email', STORED),
        });
        const asked = single(revealItems(tokens));
        const fresh = single(freshItems('email'));
        reveals.push(workloadOf(context, { call: 'detokenize', vault, body: asked }));
        tokenizes.push(workloadOf(context, { call: 'tokenize', vault, body: fresh }));
      }
      const cases = VAULT_COUNTS.flatMap((count): Case[] => {
        const common = { servers: [server], connections: 64 };
        const of = count === 1 ? '1 vault' : `${count} vaults`;
        return [
          loadCase(context, {
            ...common,
            name: `detokenize-${count}`,
            title: `detokenize, ${of}`,
            workload: mixVaults(reveals.slice(0, count)),
          }),
          loadCase(context, {
            ...common,
            name: `tokenize-${count}`,
            title: `tokenize, new values, ${of}`,
            workload: mixVaults(tokenizes.slice(0, count)),
          }),
        ];
      });
      return { measurements: await interleave(context, 'vaults', cases) };
    }),
};

/** Ways to have more processes: instances beside each other, or workers of one. */
const LAYOUTS: readonly { name: string; title: string; count: number; args: readonly string[] }[] =
  [
    { name: '1', title: '1 instance', count: 1, args: [] },
    { name: '2', title: '2 instances', count: 2, args: [] },
    { name: '4', title: '4 instances', count: 4, args: [] },
    { name: 'workers-2', title: '1 instance of 2 workers', count: 1, args: ['--workers', '2'] },
  ];

/** Several instances on one Postgres, all on this machine: what one more costs, in CPU for each request. */
export const instancesScenario: Scenario = {
  name: 'instances',
  title: 'Several instances on one Postgres, 64 connections together',
  run: async (context) => {
    const cases: Case[] = [];
    return withServers(context.lab, async (servers) => {
      for (const { name, title, count, args } of LAYOUTS) {
        const instances = await servers.instances(count, { args });
        cases.push(await revealCase(context, { name, title, instances }));
      }
      return { measurements: await interleave(context, 'instances', cases) };
    });
  },
};

async function revealCase(
  context: Context,
  input: { name: string; title: string; instances: Parameters<typeof loadCase>[1]['servers'] },
): Promise<Case> {
  const { name, title, instances } = input;
  const [first] = instances;
  if (first === undefined) throw new Error('a layout without instances');
  const tokens = await issueTokens(context, first, { items: knownItems('email', STORED) });
  return loadCase(context, {
    name,
    title: `detokenize, ${title}`,
    servers: instances,
    connections: 64,
    workload: workloadOf(context, { call: 'detokenize', body: single(revealItems(tokens)) }),
  });
}
