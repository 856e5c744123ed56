import assert from 'node:assert/strict';
import { it } from 'node:test';
import { callAs, failureOf, makeTestOperations } from '../../test/helpers/operations.ts';
import type { AuditEvent } from '../domain/audit/event.ts';
import { VaultError } from '../domain/errors.ts';
import type { Basis } from './ports/audit-log.ts';

const NONE: Basis = { policies: [], cached: [] };
const policiesOf = ({ policies }: Basis): Basis => ({ policies, cached: [] });

/** Operations with one token, over a log by which the first `times` bases are over. */
async function openWithToken(times: number, overOf = policiesOf) {
  const test = makeTestOperations();
  const { audit, deps, operations } = test;
  const ask = { field: 'email', value: 'ada@example.com' };
  const { token } = (await operations.tokenize(callAs('app'), ask)).output;
  const bases: Basis[] = [];
  audit.setOver((basis) => {
    bases.push(basis);
    return bases.length <= times ? overOf(basis) : NONE;
  });
  const refreshed: (readonly number[])[] = [];
  deps.vaults.refresh = async (ids?: readonly number[]) => {
    refreshed.push(ids ?? []);
  };
  const before = audit.events.length;
  const events = () => audit.events.slice(before);
  const reveal = () =>
    operations.detokenize(callAs('support'), { token, view: 'masked', purpose: 'support-ticket' });
  return { ...test, token, bases, refreshed, events, reveal };
}

const shown = ({ outcome, reason, attributes }: AuditEvent) => ({ outcome, reason, attributes });

it('withholds an answer under a policy that was replaced, says so, and decides anew', async () => {
  const { reveal, events, refreshed, vault } = await openWithToken(1);
  const { output, receipt } = await reveal();
  assert.equal(output.value, 'a•••@example.com');
  const [first, withheld, last] = events();
  assert.deepEqual(
    [first, withheld, last].map((event) => event && shown(event)),
    [
      { outcome: 'allow', reason: undefined, attributes: undefined },
      { outcome: 'error', reason: 'outdated', attributes: { withheld: first?.id } },
      { outcome: 'allow', reason: undefined, attributes: undefined },
    ],
  );
  assert.equal(receipt.eventId, last?.id);
  assert.deepEqual(refreshed, [[vault.id]]);
});

it('reads from the store itself, after it has forgotten what was over', async () => {
  const { reveal, deps, tokens, bases, token, vault } = await openWithToken(1, (basis) => ({
    policies: [],
    cached: basis.cached,
  }));
  const trail: string[] = [];
  const { reads } = deps;
  deps.reads = {
    ...reads,
    find: async (key, notes) => {
      trail.push(notes.isFresh ? 'fresh' : 'cached');
      const row = await tokens.find(key);
      if (row !== undefined && !notes.isFresh) {
        notes.cached.push({ ...key, sealed: row.sealed, untilMs: 0 });
      }
      return row;
    },
    forget: (keys) => trail.push(`forget ${keys.map((key) => key.token).join()}`),
  };
  await reveal();
  assert.deepEqual(trail, ['cached', `forget ${token}`, 'fresh']);
  assert.deepEqual(
    bases.map(({ cached }) => cached.length),
    [1, 0],
  );
  assert.deepEqual(bases[1]?.policies, [{ vaultId: vault.id, version: 1 }]);
});

it('gives up after three attempts, with nothing but a refusal that is on record', async () => {
  const { reveal, events } = await openWithToken(Number.POSITIVE_INFINITY);
  const failure = await failureOf(reveal());
  assert.equal(failure.code, 'overloaded');
  const reasons = events().map(({ reason }) => reason);
  const attempt = [undefined, 'outdated'];
  assert.deepEqual(reasons, [...attempt, ...attempt, ...attempt, 'overloaded']);
  assert.equal(failure.auditEventId, events().at(-1)?.id);
});

it('puts it on record when the newer policy cannot be had', async () => {
  const { reveal, deps, events } = await openWithToken(1);
  deps.vaults.refresh = () => Promise.reject(new VaultError('store_unavailable'));
  const failure = await failureOf(reveal());
  assert.equal(failure.code, 'store_unavailable');
  assert.equal(failure.auditEventId, events().at(-1)?.id);
  assert.equal(events().at(-1)?.reason, 'store_unavailable');
});

it('refuses nobody on the strength of a policy that was replaced', async () => {
  const { deps, operations, token, vault } = await openWithToken(1);
  const { find } = deps.vaults;
  // Nobody has a role in the policy as it is remembered.
  deps.vaults.find = () => ({ ...vault, policy: { ...vault.policy, roles: new Map() } });
  deps.vaults.refresh = async () => {
    deps.vaults.find = find;
  };
  const ask = { token, view: 'masked', purpose: 'support-ticket' } as const;
  const { output } = await operations.detokenize(callAs('support'), ask);
  assert.equal(output.value, 'a•••@example.com');
});

it('reads the log anew when the policy of any vault was replaced meanwhile', async () => {
  const { operations, bases, refreshed, events, vault } = await openWithToken(1);
  const { output } = await operations.auditSearch(callAs('auditor'), {});
  assert.ok(output.events.length > 0);
  assert.deepEqual(bases[0], { policies: [{ vaultId: vault.id, version: 1 }], cached: [] });
  assert.deepEqual(refreshed, [[vault.id]]);
  assert.deepEqual(
    events().map(({ operation, reason }) => [operation, reason]),
    [
      ['audit.search', undefined],
      ['audit.search', 'outdated'],
      ['audit.search', undefined],
    ],
  );
});
