import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { VaultError } from '../../domain/errors.ts';
import type { BudgetStore } from '../ports/budget-store.ts';
import { makeBudgets, type Spending } from './budget.ts';

/** One budget row under a clock of its own making; each lease takes as long as `latency` says. */
function makeWorld(latency: () => number = () => 0) {
  const world = { nowMs: 1, startMs: 0, used: 0, leases: [] as number[], fails: false };
  const store: BudgetStore = {
    lease: async ({ want, limit, windowMs }) => {
      world.nowMs += latency();
      world.leases.push(want);
      if (world.fails) throw new VaultError('store_unavailable');
      if (world.leases.length === 1 || world.nowMs >= world.startMs + windowMs) {
        Object.assign(world, { startMs: world.nowMs, used: 0 });
      }
      const granted = Math.min(want, limit - world.used);
      world.used += granted;
      const endsInMs = world.startMs + windowMs - world.nowMs;
      world.nowMs += latency();
      return { granted, endsInMs };
    },
  };
  const now = () => world.nowMs;
  const clock = { now, monotonic: now, sleep: async () => {} };
  const instance = () => makeBudgets({ store, clock });
  return { world, instance };
}

const holders: string[] = [];
const spending = (tokens: number, change: Partial<Spending> = {}): Spending => ({
  vault: { id: 1 },
  cipher: {
    digests: {
      budgetHolder: (holder: object) => {
        holders.push(JSON.stringify(holder));
        return Buffer.alloc(16);
      },
    } as Spending['cipher']['digests'],
  },
  principal: { issuer: 'https://issuer.test', subject: 'ada' },
  budget: { grant: 'role:r[0]', tokens, perMs: 60_000 },
  items: 1,
  ...change,
});

/** `ok`, or the code of the refusal. */
const tell = (work: Promise<void>): Promise<string> =>
  work.then(
    () => 'ok',
    (error: unknown) => (error instanceof VaultError ? error.code : 'no VaultError'),
  );
const count = (answers: readonly string[], answer: string) =>
  answers.filter((one) => one === answer).length;

test('a budget gives what it has, refuses until its window ends, and gives again', async () => {
  const { world, instance } = makeWorld();
  const { spend } = instance();
  const ask = () => tell(spend(spending(3)));
  assert.deepEqual(
    [await ask(), await ask(), await ask(), await ask(), await ask()],
    ['ok', 'ok', 'ok', 'budget_exhausted', 'budget_exhausted'],
  );
  assert.equal(world.leases.length, 4, 'a refusal is remembered for as long as it holds');
  world.nowMs += 60_000;
  assert.equal(await ask(), 'ok');
});

test('a fiftieth of the budget is leased at once, and used up without asking again', async () => {
  const { world, instance } = makeWorld();
  const { spend } = instance();
  for (let index = 0; index < 40; index += 1) await spend(spending(1_000));
  assert.deepEqual(world.leases, [20, 20]);
});

test('concurrent spenders share leases, and exactly the budget is spent', async () => {
  const { world, instance } = makeWorld();
  const { spend } = instance();
  const answers = await Promise.all(Array.from({ length: 700 }, () => tell(spend(spending(500)))));
  assert.equal(count(answers, 'ok'), 500);
  assert.equal(count(answers, 'budget_exhausted'), 200);
  assert.ok(world.leases.length <= 4, `${world.leases.length} leases`);
});

test('several items are granted together or not at all', async () => {
  const { world, instance } = makeWorld();
  const { spend } = instance();
  assert.equal(await tell(spend(spending(10, { items: 11 }))), 'budget_exhausted');
  assert.deepEqual(world.leases, [], 'nothing is leased for what can never be granted');
  assert.equal(await tell(spend(spending(10, { items: 7 }))), 'ok');
  assert.equal(await tell(spend(spending(10, { items: 4 }))), 'budget_exhausted');
  assert.equal(await tell(spend(spending(10, { items: 3 }))), 'ok');
});

test('principals, grants and vaults have budgets of their own', async () => {
  const { world, instance } = makeWorld();
  const { spend } = instance();
  const principal = { issuer: 'https://issuer.test', subject: 'bob' };
  const budget = { grant: 'role:r[1]', tokens: 100, perMs: 60_000 };
  for (const change of [{}, { principal }, { budget }, { vault: { id: 2 } }]) {
    await spend(spending(100, change));
  }
  assert.equal(world.leases.length, 4, 'no remainder of another holder was used');
  assert.equal(
    new Set(holders.slice(-4)).size,
    3,
    'the vault is not part of the digest, but its key',
  );
});

test('a store that cannot tell grants nothing; every caller gets an error of its own', async () => {
  const { world, instance } = makeWorld();
  const { spend } = instance();
  world.fails = true;
  const errors = await Promise.all(
    [1, 2, 3].map(() => spend(spending(9)).catch((error: unknown) => error)),
  );
  assert.ok(errors.every((error) => error instanceof VaultError));
  assert.deepEqual(new Set(errors).size, 3);
  assert.equal(await tell(spend(spending(9))), 'store_unavailable');
  world.fails = false;
  assert.equal(await tell(spend(spending(9))), 'ok');
});

test('a store slower than the window is no way around it', async () => {
  const { instance } = makeWorld(() => 60_000);
  assert.equal(await tell(instance().spend(spending(9))), 'overloaded');
});

const anySteps = fc.array(
  fc.record({
    instance: fc.nat({ max: 2 }),
    pauseMs: fc.oneof(fc.constant(0), fc.nat({ max: 40_000 })),
    items: fc.integer({ min: 1, max: 3 }),
    latencyMs: fc.oneof(fc.constant(0), fc.nat({ max: 20_000 })),
  }),
  { maxLength: 80 },
);

test('no window sees more than the budget, over all instances, whatever the store takes', async () => {
  await fc.assert(
    fc.asyncProperty(anySteps, fc.integer({ min: 3, max: 120 }), async (steps, tokens) => {
      let latencyMs = 0;
      const { world, instance } = makeWorld(() => latencyMs);
      const instances = [instance(), instance(), instance()];
      const spent = new Map<number, number>();
      for (const step of steps) {
        world.nowMs += step.pauseMs;
        latencyMs = step.latencyMs;
        const { items } = step;
        const answer = await tell(
          instances[step.instance]?.spend(spending(tokens, { items })) ?? Promise.reject(),
        );
        if (answer === 'ok') {
          assert.ok(
            world.nowMs < world.startMs + 60_000,
            'spent within the window it was leased in',
          );
          spent.set(world.startMs, (spent.get(world.startMs) ?? 0) + items);
        }
      }
      assert.ok([...spent.values()].every((sum) => sum <= tokens));
    }),
  );
});

test('racing instances spend the budget, no more and no less', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 400 }),
      fc.integer({ min: 1, max: 400 }),
      async (tokens, asks) => {
        const { instance } = makeWorld();
        const instances = [instance(), instance(), instance()];
        const answers = await Promise.all(
          Array.from({ length: asks }, (_, index) =>
            tell(instances[index % 3]?.spend(spending(tokens)) ?? Promise.reject()),
          ),
        );
        const granted = count(answers, 'ok');
        assert.ok(granted <= tokens && granted + count(answers, 'budget_exhausted') === asks);
        // What lies leased with another instance is the most that can be missing.
        assert.ok(granted >= Math.min(asks, tokens) - 2 * Math.ceil(tokens / 50), `${granted}`);
      },
    ),
  );
});
