import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { randomBytes } from '../../src/crypto/random.ts';
import { VaultError } from '../../src/domain/errors.ts';
import { newToken, past, smallToken } from '../contract/token-store-rows.ts';
import { openInstances, type StoreInstances } from '../helpers/store-instances.ts';
import type { TokenStores } from '../helpers/token-stores.ts';

let instances: StoreInstances;
before(async () => {
  instances = await openInstances(4);
});
after(() => instances.close());

const isStoreFailure = (error: unknown) =>
  error instanceof VaultError && error.code === 'store_unavailable';
const first = () => instances.all[0] ?? assert.fail();
const sum = (numbers: number[]) => numbers.reduce((total, each) => total + each, 0);

/** Sweeps as the service does, a few rows at a time, until nothing is found: how many it deleted. */
async function sweepAll({ sweep }: TokenStores): Promise<number> {
  let buried = 0;
  for (;;) {
    const dead = await sweep.findDead({ limit: 50, withoutKeys: [] });
    if (dead.length === 0) return buried;
    buried += await sweep.bury(dead.map((row) => ({ ...row, tombstone: randomBytes(16) })));
  }
}

it('sweepers of four instances bury each dead row once, and nothing that lives', async () => {
  const { store } = first();
  const rows = Array.from({ length: 600 }, (_, index) => {
    const life = index % 3 === 0 ? {} : { expiresAt: past() };
    return index % 2 === 0 ? smallToken(life) : newToken({ ...life, tags: [randomBytes(16)] });
  });
  await Promise.all(rows.map((row) => store.insert(row)));
  const buried = await Promise.all(instances.all.map(sweepAll));
  assert.equal(sum(buried), 400);
  const live = await Promise.all(rows.map((row) => store.find(row)));
  assert.deepEqual(
    live.map((row) => row !== undefined),
    rows.map((_, index) => index % 3 === 0),
  );
  // One tombstone for each that needed one: the digests are random here, a second one would show.
  const [counted] = await instances.sql<{ tombstones: number; tags: number }>(`
    select (select count(*)::int from tombstone) as tombstones,
      (select count(*)::int from token_tag) as tags`);
  assert.deepEqual(counted, { tombstones: 200, tags: 100 });
});

it('a dead value that gets a new token while it is swept keeps that token', async () => {
  const { store } = first();
  const values = Array.from({ length: 100 }, () => {
    const fingerprint = { version: 1, digest: randomBytes(16) };
    return { shard: fingerprint.digest.readUInt8(), fingerprint };
  });
  await Promise.all(values.map((value) => store.insert(newToken({ ...value, expiresAt: past() }))));
  const tokenizers = instances.all.map((instance) =>
    Promise.all(values.map((value) => instance.store.insert(newToken(value)))),
  );
  const [results] = await Promise.all([
    Promise.all(tokenizers),
    Promise.all(instances.all.map(sweepAll)),
  ]);
  const kinds = results.flat().map(({ kind }) => kind);
  assert.equal(kinds.filter((kind) => kind === 'inserted').length, values.length);
  assert.equal(kinds.filter((kind) => kind === 'known').length, 3 * values.length);
  for (const value of values) {
    assert.ok(await store.findByFingerprint({ vaultId: 1, fieldId: 1, ...value }));
  }
});

it('forgets in parts, on several instances at once, and only what is old', async () => {
  await instances.sql(`
    insert into revocation (shard, vault_id, token, call_id, revoked_at)
    select 0, 1, 't' || i, '\\x00000000000000000000000000000000', now() - i * interval '1 hour'
    from generate_series(1, 5000) i`);
  const forgetAll = async ({ sweep }: TokenStores) => {
    let forgotten = 0;
    for (;;) {
      const part = await sweep.forget({ revocationMs: 100.5 * 3_600_000 });
      assert.ok(part <= 2_000);
      if (part === 0) return forgotten;
      forgotten += part;
    }
  };
  const counts = await Promise.all(instances.all.map(forgetAll));
  assert.equal(sum(counts), 4_900);
  const [left] = await instances.sql<{ rows: number }>(
    'select count(*)::int as rows from revocation',
  );
  assert.equal(left?.rows, 100);
});

it('a server that is away is store_unavailable', async () => {
  const { sweep } = instances.away();
  await assert.rejects(sweep.findDead({ limit: 1, withoutKeys: [] }), isStoreFailure);
  await assert.rejects(sweep.bury([newToken()]), isStoreFailure);
  await assert.rejects(sweep.forget({ revocationMs: 1 }), isStoreFailure);
});
