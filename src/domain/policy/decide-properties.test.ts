import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { makeOpaqueFormat } from '../tokens/opaque.ts';
import { type AccessRequest, decide, decideAction } from './decide.ts';
import type { Action, Field, Grant, Policy, Requirement } from './policy.ts';

const ACTIONS: readonly Action[] = ['detokenize', 'tokenize', 'token.inspect', 'policy.read'];

const fieldOf = (name: string, views: readonly string[]): Field => ({
  name,
  class: 'direct',
  type: { kind: 'text' },
  maxBytes: 4096,
  token: { mode: 'random', format: { ...makeOpaqueFormat('tok'), shape: 'opaque' } },
  views: new Map(views.map((view) => [view, { kind: 'redact' }])),
  scope: 'vault',
});
const fields = new Map([
  ['a', fieldOf('a', ['masked', 'last4'])],
  ['b', fieldOf('b', [])],
]);

const isT1 = (text: string) => text === 'T-1';
const throws = (): never => {
  throw new Error('planted');
};

const anyNames = (...names: string[]) =>
  fc.oneof(
    fc.constant('*' as const),
    fc.subarray(names).map((some) => new Set(some)),
  );

const anyRequirement: fc.Arbitrary<Requirement> = fc.record(
  {
    purpose: fc.constant(true as const),
    mfa: fc.constant(true as const),
    reference: fc.constant(isT1),
    approvals: fc.integer({ min: 1, max: 3 }),
    maxItems: fc.integer({ min: 1, max: 3 }),
  },
  { requiredKeys: [] },
);

const anyBudget = fc.record({
  tokens: fc.integer({ min: 1, max: 4 }),
  perMs: fc.constantFrom(1_000, 2_000, 60_000),
});

const anyGrant = (effect: fc.Arbitrary<Grant['effect']>): fc.Arbitrary<Grant> =>
  fc.record(
    {
      id: fc.constantFrom('role:r[0]', 'role:r[1]', 'role:r[2]'),
      effect,
      actions: fc.subarray([...ACTIONS], { minLength: 1 }).map((some) => new Set(some)),
      fields: anyNames('a', 'b'),
      views: anyNames('full', 'masked', 'last4'),
      require: anyRequirement,
      budget: anyBudget,
    },
    { requiredKeys: ['id', 'effect', 'actions', 'fields', 'views', 'require'] },
  );
const anyAllow = anyGrant(fc.constant('allow'));
const anyDeny = anyGrant(fc.constant('deny'));
const anyGrants = fc.array(anyGrant(fc.constantFrom('allow', 'allow', 'allow', 'deny')), {
  maxLength: 6,
});

const anyRequest: fc.Arbitrary<AccessRequest> = fc.record({
  principal: fc.record({
    roles: fc.constant(['r']),
    mfa: fc.boolean(),
    sourceIp: fc.constant('10.0.0.1'),
  }),
  action: fc.constantFrom('detokenize', 'detokenize', ...ACTIONS),
  field: fc.constantFrom('a', 'a', 'b', 'unknown'),
  view: fc.constantFrom('full', 'masked', 'last4', 'unknown', undefined),
  purpose: fc.constantFrom('declared', 'declared', 'undeclared', undefined),
  reference: fc.constantFrom('T-1', 'T-2', undefined),
  items: fc.integer({ min: 1, max: 4 }),
  atMs: fc.constant(0),
});

const policyOf = (grants: readonly Grant[]): Policy => ({
  vault: 'demo',
  purposes: new Set(['declared']),
  fields,
  roles: new Map([['r', grants]]),
});

/** What callers and the pipeline can tell apart. */
const outcome = (grants: readonly Grant[], request: AccessRequest) =>
  [decide, decideAction].map((ask) => {
    const { allowed, code, views, obligations } = ask(policyOf(grants), request);
    return { allowed, code, views, obligations };
  });

const allows = (grants: readonly Grant[], request: AccessRequest) =>
  decide(policyOf(grants), request).allowed;

const runs = { numRuns: 2000 };

test('the order of grants never matters', () => {
  const shuffled = anyGrants.chain((grants) =>
    fc.tuple(
      fc.constant(grants),
      fc.shuffledSubarray(grants, { minLength: grants.length, maxLength: grants.length }),
    ),
  );
  fc.assert(
    fc.property(shuffled, anyRequest, ([grants, others], request) => {
      assert.deepEqual(outcome(others, request), outcome(grants, request));
    }),
    runs,
  );
});

test('adding a deny never widens, wherever it stands', () => {
  fc.assert(
    fc.property(anyGrants, anyDeny, fc.nat(6), anyRequest, (grants, deny, at, request) => {
      const more = grants.toSpliced(at, 0, deny);
      assert.ok(allows(grants, request) || !allows(more, request));
      const before = decide(policyOf(grants), request).views;
      const after = decide(policyOf(more), request).views ?? [];
      assert.ok(before === undefined || after.every((view) => before.includes(view)));
    }),
    runs,
  );
});

test('a deny of action, field and view wins, wherever it stands', () => {
  fc.assert(
    fc.property(anyGrants, anyDeny, fc.nat(6), anyRequest, (grants, any, at, request) => {
      const deny = {
        ...any,
        actions: new Set(ACTIONS),
        fields: '*',
        views: '*',
        require: {},
      } as const;
      assert.ok(!allows(grants.toSpliced(at, 0, deny), request));
    }),
    runs,
  );
});

test('removing an allow never widens', () => {
  fc.assert(
    fc.property(anyGrants, anyAllow, fc.nat(6), anyRequest, (grants, allow, at, request) => {
      assert.ok(!allows(grants, request) || allows(grants.toSpliced(at, 0, allow), request));
    }),
    runs,
  );
});

test('an unknown role never allows, and never takes away', () => {
  fc.assert(
    fc.property(anyGrants, anyRequest, (grants, request) => {
      const as = (...roles: string[]) => ({
        ...request,
        principal: { ...request.principal, roles },
      });
      assert.ok(!allows(grants, as('stranger')));
      assert.deepEqual(outcome(grants, as('stranger', 'r')), outcome(grants, as('r')));
    }),
    runs,
  );
});

test('an allow that cannot be evaluated counts for nothing', () => {
  const brokenRequires: Requirement[] = [{ reference: throws }, { sourceIps: throws }];
  fc.assert(
    fc.property(anyGrants, anyAllow, fc.constantFrom(...brokenRequires), anyRequest, (...given) => {
      const [grants, allow, require, request] = given;
      const full = { ...request, action: 'detokenize', reference: 'T-1' } as const;
      const broken = { ...allow, require };
      assert.deepEqual(outcome([...grants, broken], full), outcome(grants, full));
    }),
    runs,
  );
});

test('a deny that cannot be evaluated denies', () => {
  fc.assert(
    fc.property(anyGrants, anyDeny, anyRequest, (grants, deny, request) => {
      const broken = { ...deny, require: { sourceIps: throws } };
      const plain = { ...deny, require: {} };
      assert.deepEqual(outcome([...grants, broken], request), outcome([...grants, plain], request));
    }),
    runs,
  );
});

test('what is refused before the look-up is refused after it', () => {
  fc.assert(
    fc.property(anyGrants, anyRequest, (grants, request) => {
      const early = decideAction(policyOf(grants), request);
      assert.ok(early.allowed || !allows(grants, request));
    }),
    runs,
  );
});

test('a budget binds an allowed reveal exactly when every grant that allows it has one', () => {
  fc.assert(
    fc.property(anyGrants, anyRequest, (grants, request) => {
      const { allowed, obligations } = decide(policyOf(grants), request);
      const { budget } = obligations;
      const free = grants.filter((grant) => grant.budget === undefined || grant.effect === 'deny');
      const isFree = allows(free, request);
      const binds = allowed && request.action === 'detokenize' && !isFree;
      assert.equal(budget !== undefined, binds);
      if (budget === undefined) return;
      // None of the grants that would do is more generous.
      const others = grants.filter((grant) => allows([...free, grant], request));
      const rates = others.map((grant) => (grant.budget?.tokens ?? 0) / (grant.budget?.perMs ?? 1));
      assert.equal(budget.tokens / budget.perMs, Math.max(...rates));
      const isOne = ({ id, budget: own }: Grant) =>
        id === budget.grant && own?.tokens === budget.tokens && own.perMs === budget.perMs;
      assert.ok(others.some(isOne));
    }),
    runs,
  );
});

test('one more allow never costs a budget that was not needed, nor a smaller one', () => {
  fc.assert(
    fc.property(anyGrants, anyAllow, fc.nat(6), anyRequest, (grants, allow, at, request) => {
      const before = decide(policyOf(grants), request);
      const after = decide(policyOf(grants.toSpliced(at, 0, allow)), request);
      const rateOf = ({ obligations: { budget } }: typeof before) =>
        budget === undefined ? Number.POSITIVE_INFINITY : budget.tokens / budget.perMs;
      assert.ok(!before.allowed || rateOf(after) >= rateOf(before));
    }),
    runs,
  );
});

test('the generated cases reach every answer', () => {
  const codes = fc
    .sample(fc.tuple(anyGrants, anyRequest), { numRuns: 5000, seed: 1 })
    .map(([grants, request]) => decide(policyOf(grants), request).code ?? 'ok');
  const reached = ['approval_required', 'forbidden', 'mfa_required', 'ok', 'purpose_required'];
  assert.deepEqual([...new Set(codes)].sort(), [
    ...reached,
    'reference_required',
    'token_not_found',
    'view_not_granted',
  ]);
});
