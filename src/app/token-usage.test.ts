import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compilePolicy } from '../domain/policy/compile.ts';
import type { FieldUsage } from '../operations/ports/token-search.ts';
import type { Vault } from '../operations/ports/vault-registry.ts';
import { makeMetrics } from '../telemetry/metrics.ts';
import { makeTokenUsage, startTokenUsage } from './token-usage.ts';

const { policy } = compilePolicy({
  apiVersion: 'counterfoil/v1',
  vault: 'demo',
  fields: {
    ssn: { class: 'direct', type: 'us-ssn', token: { format: 'us-ssn' } },
    note: { class: 'direct', type: 'text' },
    cvv: { class: 'direct', type: 'text', token: { mode: 'volatile' } },
  },
  roles: {},
});
const capacity = Number(policy.fields.get('ssn')?.token.format.capacity);
const fieldIds = new Map([...policy.fields.keys()].map((name, index) => [name, index + 1]));
const vault: Vault = {
  id: 1,
  name: 'demo',
  policy,
  policyRef: '1:test',
  policyVersion: 1,
  fieldIds,
  fieldNames: new Map([...fieldIds].map(([name, id]) => [id, name])),
};

function makeWorld() {
  const world = {
    nowMs: 0,
    takesMs: 0,
    usage: [] as FieldUsage[],
    fails: false,
    lines: [] as string[],
    asked: 0,
  };
  const metrics = makeMetrics();
  const deps = {
    search: {
      usage: async () => {
        world.asked += 1;
        world.nowMs += world.takesMs;
        if (world.fails) throw new Error('planted');
        return world.usage;
      },
    },
    vaults: { all: () => [vault] },
    metrics: metrics.tokens,
    clock: { monotonic: () => world.nowMs },
    logger: {
      warn: (event: string, { error: _, ...facts }: object & { error?: unknown } = {}) => {
        world.lines.push(`${event} ${JSON.stringify(facts)}`);
      },
    },
  };
  const shown = async () =>
    (await metrics.expose()).body
      .split('\n')
      .filter((line) => line.startsWith('counterfoil_token_space'));
  return { world, deps, shown };
}

const ssn = (fullest: number, used = fullest) => ({ fieldId: 1, used, spaces: 1, fullest });

test('used tokens are shown for what is stored, ratios for what can fill up', async () => {
  const { world, deps, shown } = makeWorld();
  const { round } = makeTokenUsage(deps);
  const note = { fieldId: 2, used: 70, spaces: 0, fullest: 0 };
  world.usage = [ssn(capacity / 4, 12), note, { ...note, fieldId: 3 }, { ...note, fieldId: 9 }];
  await round();
  assert.deepEqual(await shown(), [
    'counterfoil_token_space_used{vault="demo",field="ssn"} 12',
    'counterfoil_token_space_used{vault="demo",field="note"} 70',
    'counterfoil_token_space_used_ratio{vault="demo",field="ssn"} 0.25',
  ]);
  world.usage = [];
  await round();
  assert.deepEqual(await shown(), []);
});

test('a field that fills up is warned of once at each mark', async () => {
  const { world, deps } = makeWorld();
  const { round } = makeTokenUsage(deps);
  for (const ratio of [0.1, 0.49, 0.5, 0.6, 0.4, 0.55, 0.97, 0.99]) {
    world.usage = [ssn(Math.ceil(capacity * ratio))];
    await round();
  }
  assert.deepEqual(world.lines, [
    'token_space_filling {"vault":"demo","field":"ssn","usedPercent":50}',
    'token_space_filling {"vault":"demo","field":"ssn","usedPercent":97}',
  ]);
});

test('what cannot be counted keeps its last readings, and is logged', async () => {
  const { world, deps, shown } = makeWorld();
  const { round } = makeTokenUsage(deps);
  world.usage = [ssn(3)];
  await round();
  const before = await shown();
  world.fails = true;
  await round();
  assert.deepEqual(await shown(), before);
  assert.deepEqual(world.lines, ['token_usage_unknown {"vault":"demo"}']);
});

test('counting takes at most a fiftieth of the time', async () => {
  const { world, deps } = makeWorld();
  const { round } = makeTokenUsage(deps);
  assert.equal(await round(), 60_000);
  world.takesMs = 4_000;
  assert.equal(await round(), 200_000);
});

test('it counts at once, and ends when it is closed', async () => {
  const { world, deps } = makeWorld();
  const usage = startTokenUsage(deps);
  await usage.close();
  assert.equal(world.asked, 1);
});
