import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ensureVault } from '../../src/adapters/postgres/vaults.ts';
import { destroyMonth } from '../../src/app/audit/destroy-key.ts';
import { eraseActor } from '../../src/app/audit/erase.ts';
import type { Operator } from '../../src/app/audit/operator.ts';
import { termOf } from '../../src/crypto/audit-term.ts';
import { monthOf } from '../../src/crypto/private-cipher.ts';
import { readLeaf } from '../../src/domain/audit/read-leaf.ts';
import { realClock } from '../helpers/clock.ts';
import { sampleEvent } from '../helpers/filled-log.ts';
import { openKeysets } from '../helpers/keysets.ts';
import { openRetentionLog, type RetentionLog, textsOf } from '../helpers/retention-log.ts';

const NOW_MS = Date.now();
const OLD_MS = NOW_MS - 32 * 86_400_000;
const OLD = monthOf(OLD_MS);

let retention: RetentionLog;
let demo: number;
before(async () => {
  retention = await openRetentionLog();
  demo = await ensureVault({ pool: retention.pool, clock: realClock }, 'demo');
  // Index: 0 of the month and vault, 1 of another vault, 2 of another month.
  await retention.log.append([
    sampleEvent({ vaultId: demo, atMs: OLD_MS, what: { tokens: ['tok_a'], reference: 'R-1' } }),
    sampleEvent({ atMs: OLD_MS }),
    sampleEvent({ vaultId: demo, atMs: NOW_MS }),
  ]);
});
after(() => retention.close());

const destroy = (asked: Partial<Parameters<typeof destroyMonth>[1]> = {}) =>
  retention.operate((operator) =>
    destroyMonth(operator, { vault: 'demo', month: OLD, dryRun: false, ...asked }),
  );

/** Which of the first events can be opened, by somebody who has just come with the root key. */
async function openable(): Promise<boolean[]> {
  const keysets = await openKeysets(retention.pool);
  const found: boolean[] = [];
  for await (const events of retention.reader.read(1, { from: 0, to: 3 })) {
    for (const event of events) {
      const { who, what } = await textsOf(keysets, event);
      assert.equal(who === undefined, what === undefined);
      found.push(who !== undefined);
    }
  }
  return found;
}

async function hits(kind: 'actor' | 'token' | 'reference', text: string): Promise<number[]> {
  const terms = (await retention.keysets.auditTerms()).map(({ key }) => termOf(key, kind, text));
  const groups = [terms.map(({ hash }) => hash)];
  const page = await retention.reader.search({ termGroups: groups, facetGroups: [], limit: 100 });
  return page.events.map(({ index }) => index).sort((a, b) => a - b);
}

test('the current month, an unknown vault and a month without a key are refused', async () => {
  await assert.rejects(destroy({ month: monthOf(NOW_MS) }), /not over/);
  await assert.rejects(destroy({ month: 210_001 }), /not over/);
  await assert.rejects(destroy({ vault: 'demo\u001b[2J' }), /no such vault\.$/);
  await assert.rejects(destroy({ month: 202_001 }), /no key of that month/);
  await destroy({ dryRun: true });
  assert.deepEqual(await openable(), [true, true, true]);
});

test('an operator who crashed between event and effect finishes with the next run', async () => {
  const crash = new Error('crash');
  const run = retention.operate((operator) => {
    const keysets: Operator['keysets'] = {
      ...operator.keysets,
      authority: () => Promise.reject(crash),
    };
    return destroyMonth({ ...operator, keysets }, { vault: 'demo', month: OLD, dryRun: false });
  });
  await assert.rejects(run, crash);
  assert.deepEqual(await openable(), [true, true, true]);
});

test('a destroyed month of a vault opens nowhere, by nobody; others and new events do', async () => {
  assert.deepEqual(await hits('token', 'tok_a'), [0]);
  const { event = '' } = await destroy();
  const told = await retention.reader.findEvent(event);
  assert.ok(told !== undefined);
  const leaf = readLeaf(told.leaf);
  assert.deepEqual(
    [leaf?.op, leaf?.attr],
    ['key.destroy', { vault: 'demo', purpose: 'private', month: OLD }],
  );
  assert.deepEqual(await openable(), [false, true, true]);
  await retention.log.append([sampleEvent({ vaultId: demo, atMs: NOW_MS })]);
  assert.deepEqual(await openable(), [false, true, true]);
  const keysets = await openKeysets(retention.pool);
  await assert.rejects(keysets.privateCipher(demo, OLD_MS), /destroyed/);
  const rows = await retention.sql(
    `select octet_length(wrapped) as left from key_version where state = 'destroyed'`,
  );
  assert.deepEqual(rows, [{ left: 0 }]);
});

test('what the key sealed cannot be searched for any more, and is still found by its id', async () => {
  assert.deepEqual(await hits('token', 'tok_a'), []);
  assert.deepEqual(await hits('reference', 'R-1'), []);
  const ada = await hits('actor', 'ada');
  assert.ok(!ada.includes(0) && ada.includes(1) && ada.includes(2));
  assert.ok(await retention.reader.findEvent(retention.log.ids[0] ?? ''));
});

test('destroying again tells nothing and finishes what was interrupted', async () => {
  const before = retention.log.edge.size();
  assert.deepEqual(await destroy(), { vault: 'demo', month: OLD });
  assert.equal(retention.log.edge.size(), before);
});

test('a destroyed key cannot be brought back by editing its row', async () => {
  await retention.sql(`update key_version set state = 'active' where state = 'destroyed'`);
  const keysets = await openKeysets(retention.pool);
  await assert.rejects(keysets.privateCipher(demo, OLD_MS), /altered/);
  await retention.sql(`update key_version set state = 'destroyed'
    where octet_length(wrapped) = 0 and vault_id = ${demo}`);
});

test('a person is erased from months whose key is destroyed, as far as there is something left', async () => {
  const request = { basis: 'gdpr-17', dryRun: false } as const;
  await retention.operate((operator) => eraseActor(operator, { subject: 'ada' }, request));
  assert.deepEqual(await hits('actor', 'ada'), []);
  const keysets = await openKeysets(retention.pool);
  for await (const events of retention.reader.read(1, { from: 0, to: 3 })) {
    const texts = await Promise.all(events.map((event) => textsOf(keysets, event)));
    assert.deepEqual(
      texts.map(({ who, what }) => [who === undefined, what === undefined]),
      [
        [true, true],
        [true, false],
        [true, false],
      ],
    );
  }
});
