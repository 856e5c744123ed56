import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool } from 'pg';
import {
  groundValues,
  standingColumns,
} from '../../src/adapters/postgres/audit/writer/standing.ts';
import { applyPolicy } from '../../src/adapters/postgres/policies.ts';
import { makePool } from '../../src/adapters/postgres/pool.ts';
import { ensureVault } from '../../src/adapters/postgres/vaults.ts';
import { seal } from '../../src/crypto/sealed.ts';
import { SecretKey } from '../../src/crypto/secret.ts';
import { makeXaesKey } from '../../src/crypto/xaes.ts';
import {
  type AuditLog,
  type Basis,
  type CachedToken,
  OutdatedBasis,
} from '../../src/operations/ports/audit-log.ts';
import type { NewToken } from '../../src/operations/ports/token-store.ts';
import { revealEvent } from '../contract/audit-log.ts';
import { newToken, past } from '../contract/token-store-rows.ts';
import { startProxy } from '../faults/proxy.ts';
import { type OpenAuditLog, openAuditLog, readLeaves } from '../helpers/audit-log.ts';
import { realClock } from '../helpers/clock.ts';
import { createTestDatabase, type TestDatabase, withClient } from '../helpers/database.ts';
import { openTokenStores, type TokenStores } from '../helpers/token-stores.ts';

const HOUR_MS = 3_600_000;

let database: TestDatabase;
let pool: Pool;
let audit: OpenAuditLog;
let stores: TokenStores;
let vaultId: number;
let otherVaultId: number;
before(async () => {
  database = await createTestDatabase();
  pool = makePool({ connectionString: database.serviceUrl, max: 4, name: 'test' });
  stores = openTokenStores(pool);
  vaultId = await ensureVault({ pool, clock: realClock }, 'one');
  otherVaultId = await ensureVault({ pool, clock: realClock }, 'two');
  for (const id of [vaultId, otherVaultId]) await addPolicy(id);
  audit = await openAuditLog(database.serviceUrl);
});
after(async () => {
  await audit?.close();
  await pool?.end();
  await database?.drop();
});

/** A newer policy than any of that vault. */
async function addPolicy(id: number): Promise<number> {
  const { version } = await applyPolicy(
    { pool, clock: realClock },
    {
      vaultId: id,
      document: 'vault: one',
      hash: randomBytes(32),
      mac: () => randomBytes(32),
      check: async () => {},
    },
  );
  return version;
}

async function stored(overrides: Partial<NewToken> = {}): Promise<CachedToken> {
  const row = newToken({ vaultId, ...overrides });
  assert.equal((await stores.store.insert(row)).kind, 'inserted');
  const { shard, token, sealed } = row;
  return { vaultId, shard, token, sealed, untilMs: Date.now() + HOUR_MS };
}

const basisOf = (...cached: CachedToken[]): Basis => ({ policies: [], cached });

/** What the log says is over of this basis. Durable the event is in any case. */
async function overOf(basis: Basis, log: AuditLog = audit.writer): Promise<Basis | undefined> {
  let eventId = '';
  let over: Basis | undefined;
  try {
    ({ eventId } = await log.append(revealEvent, basis));
  } catch (error) {
    assert.ok(error instanceof OutdatedBasis, String(error));
    ({ eventId, over } = error);
  }
  const leaves = await readLeaves(database.ownerUrl);
  assert.ok(leaves.some(({ leaf }) => leaf.id === eventId));
  return over;
}

it('lets an answer go whose tokens and policy are in force', async () => {
  const cached = [await stored(), await stored()];
  const policies = [{ vaultId, version: 1 }];
  assert.equal(await overOf({ policies, cached }), undefined);
});

it('names the tokens that were revoked, and no others', async () => {
  const [one, other] = [await stored(), await stored()];
  await stores.store.revoke(one);
  assert.deepEqual(await overOf(basisOf(one, other)), basisOf(one));
});

it('sees a token that was erased with its person, and one whose row nobody explains', async () => {
  const digest = randomBytes(32);
  const sealedSecret = randomBytes(64);
  const person = await stores.store.ensureSubject({ vaultId, digest, sealedSecret });
  const personal = await stored({ subjectId: person.id, sealedForSubject: true });
  assert.equal(await overOf(basisOf(personal)), undefined);
  const tombstone = () => randomBytes(16);
  await stores.people.erase({ vaultId, digest, atMs: Date.now(), tombstone });
  assert.deepEqual(await overOf(basisOf(personal)), basisOf(personal));
  const swept = await stored();
  await withClient(database.ownerUrl, (client) =>
    client.query('delete from token where token = $1', [swept.token]),
  );
  assert.deepEqual(await overOf(basisOf(swept)), basisOf(swept));
});

it('sees a row that was sealed anew, or made anew for another value under the same string', async () => {
  const cached = await stored();
  const sealed = randomBytes(61);
  const anew = { ...cached, sealed };
  assert.deepEqual(await overOf(basisOf(anew)), basisOf(anew));
  assert.equal(await overOf(basisOf(cached)), undefined);
});

it('tells values apart that one process sealed one after the other, under one derived key', async () => {
  const key = makeXaesKey(SecretKey.take(randomBytes(32)));
  const sealOne = (plaintext: string) =>
    seal({ version: 1, key, plaintext, aad: Buffer.from('row') });
  const [erased, imported] = [sealOne('erased'), sealOne('imported')];
  const kept = await stored({ sealed: imported });
  assert.equal(await overOf(basisOf(kept)), undefined);
  const old = { ...kept, sealed: erased };
  assert.deepEqual(await overOf(basisOf(old)), basisOf(old));
});

it('judges the end of tokens and of entries by the clock of the database', async () => {
  const ended = { ...(await stored()), untilMs: Date.now() - HOUR_MS };
  assert.deepEqual(await overOf(basisOf(ended)), basisOf(ended));
  const expired = await stored({ expiresAt: past() });
  assert.deepEqual(await overOf(basisOf(expired)), basisOf(expired));
});

it('sees a policy that was replaced, in the vault where it was', async () => {
  const policies = [
    { vaultId, version: 1 },
    { vaultId: otherVaultId, version: 1 },
  ];
  assert.equal(await overOf({ policies, cached: [] }), undefined);
  const version = await addPolicy(otherVaultId);
  assert.deepEqual(await overOf({ policies, cached: [] }), {
    policies: [policies[1]],
    cached: [],
  });
  const newest = [{ vaultId: otherVaultId, version }];
  assert.equal(await overOf({ policies: newest, cached: [] }), undefined);
  const unknown = { policies: [{ vaultId: 4_711, version: 1 }], cached: [] };
  assert.deepEqual(await overOf(unknown), unknown);
});

it('tells each of the callers who share a statement of their own tokens only', async () => {
  const tokens = await Promise.all(Array.from({ length: 200 }, () => stored()));
  const ended = tokens.filter((_, index) => index % 3 === 0);
  await Promise.all(ended.map((token) => stores.store.revoke(token)));
  const over = await Promise.all(
    tokens.map((token) =>
      audit.writer.append(revealEvent, basisOf(token)).then(
        () => undefined,
        (error) => (error as OutdatedBasis).over,
      ),
    ),
  );
  assert.deepEqual(
    over,
    tokens.map((token) => (ended.includes(token) ? basisOf(token) : undefined)),
  );
});

it('answers requests that rest on more tokens than one statement may ask about', async () => {
  const token = await stored();
  const bases = Array.from({ length: 6 }, () => basisOf(...new Array(1_000).fill(token)));
  const all = await Promise.all(bases.map((basis) => audit.writer.append(revealEvent, basis)));
  assert.equal(new Set(all.map(({ eventId }) => eventId)).size, 6);
});

for (const statement of ['audit-insert-cached', 'audit-insert']) {
  it(`looks after a commit of ${statement} whose answer was lost`, async () => {
    const proxy = await startProxy(database.serviceUrl);
    const behind = await openAuditLog(proxy.url);
    try {
      const cached = statement === 'audit-insert-cached' ? [await stored()] : [];
      const version = await addPolicy(vaultId);
      const basis = { policies: [{ vaultId, version }], cached };
      proxy.loseAnswersTo(statement, 1);
      assert.equal(await overOf(basis, behind.writer), undefined);
      assert.equal(proxy.lost(), 1, 'no answer was lost');
      await Promise.all(cached.map((token) => stores.store.revoke(token)));
      await addPolicy(vaultId);
      proxy.loseAnswersTo(statement, 1);
      assert.deepEqual(await overOf(basis, behind.writer), basis);
      assert.equal(proxy.lost(), 2, 'no answer was lost');
    } finally {
      await behind.close();
      await proxy.close();
    }
  });
}

it('sees a revocation that is acknowledged while the outcome of the commit is unknown', async () => {
  const proxy = await startProxy(database.serviceUrl);
  const behind = await openAuditLog(proxy.url);
  try {
    const token = await stored();
    await withClient(database.ownerUrl, async (client) => {
      // The statement has looked, and found the token, when it meets this lock.
      await client.query('begin');
      await client.query('lock table audit_pending in share mode');
      const basis = basisOf(token);
      proxy.loseAnswersTo('audit-insert-cached', 1);
      const over = overOf(basis, behind.writer);
      await sleep(100);
      await stores.store.revoke(token);
      await client.query('rollback');
      assert.deepEqual(await over, basis);
    });
  } finally {
    await behind.close();
    await proxy.close();
  }
});

it('descends an index for each token, whatever the planner believes of the table', async () => {
  const cached = await Promise.all(Array.from({ length: 40 }, () => stored()));
  const ground = { vaultIds: [vaultId], cached };
  const explain = `explain select ${standingColumns(ground, 1)}`;
  await withClient(database.ownerUrl, async (client) => {
    for (const before of ['select', 'analyze', 'delete from pg_statistic', 'vacuum token']) {
      await client.query(before);
      const { rows } = await client.query(explain, groundValues(ground));
      const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
      assert.match(plan, /Index Scan using token_pkey on token/);
      assert.doesNotMatch(plan, /Seq Scan on token|Hash|Merge/);
    }
  });
});
