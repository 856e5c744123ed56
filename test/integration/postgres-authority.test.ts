import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import type { Pool } from 'pg';
import { makeWrappedKeyStore } from '../../src/adapters/postgres/keys.ts';
import {
  applyPolicy,
  findPolicyByHash,
  latestPolicy,
} from '../../src/adapters/postgres/policies.ts';
import { makePool } from '../../src/adapters/postgres/pool.ts';
import { ensureFields, ensureVault, loadVaults } from '../../src/adapters/postgres/vaults.ts';
import { sha256 } from '../../src/crypto/digest.ts';
import { realClock as clock } from '../helpers/clock.ts';
import { createTestDatabase, type TestDatabase, withClient } from '../helpers/database.ts';
import { openKeysets } from '../helpers/keysets.ts';

let database: TestDatabase;
let pool: Pool;
const deps = () => ({ pool, clock });
const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));
const mac = (...parts: unknown[]) => sha256(JSON.stringify(parts));
before(async () => {
  database = await createTestDatabase();
  pool = makePool({ connectionString: database.serviceUrl, max: 10, name: 'test' });
});
after(async () => {
  await pool.end();
  await database.drop();
});

it('racing creators of one vault get one vault; the system’s own cannot be had', async () => {
  const ids = await Promise.all(times(20, () => ensureVault(deps(), 'race')));
  assert.equal(new Set(ids).size, 1);
  await assert.rejects(ensureVault(deps(), '_system'));
  const names = (await loadVaults(deps())).map(({ name }) => name);
  assert.deepEqual(names, ['race']);
});

it('racing starters give each field one id, which it keeps', async () => {
  const vaultId = await ensureVault(deps(), 'fields');
  const names = times(30, (index) => `field_${index}`);
  const results = await Promise.all(
    times(6, (index) =>
      ensureFields(deps(), {
        vaultId,
        names: index % 2 === 0 ? names : names.toReversed(),
        mac: (id, name) => mac(id, name),
      }),
    ),
  );
  const [first] = results;
  assert.ok(first !== undefined && first.length === 30);
  for (const result of results) {
    assert.deepEqual(result, first);
  }
  assert.ok(first.every((field) => field.mac.equals(mac(field.id, field.name))));
  const later = await ensureFields(deps(), {
    vaultId,
    names: ['new'],
    mac: (id, name) => mac(id, name),
  });
  assert.deepEqual(later.slice(0, 30), first);
});

it('racing starters apply one document once, and documents get versions one after another', async () => {
  const vaultId = await ensureVault(deps(), 'policies');
  const apply = (document: string) =>
    applyPolicy(deps(), {
      vaultId,
      document,
      hash: sha256(document),
      mac: (version) => mac(vaultId, version, document),
      check: async () => {},
    });
  const same = await Promise.all(times(8, () => apply('a: 1')));
  assert.ok(same.every(({ version }) => version === 1));
  const others = await Promise.all(times(5, (index) => apply(`b: ${index}`)));
  assert.deepEqual(others.map(({ version }) => version).sort(), [2, 3, 4, 5, 6]);
  const latest = await latestPolicy(deps(), vaultId);
  assert.equal(latest?.version, 6);
  assert.deepEqual(latest?.mac, mac(vaultId, 6, latest?.document));
  assert.equal((await apply('a: 1')).version, 1);
  assert.equal(await findPolicyByHash(deps(), { vaultId, hash: sha256('never') }), undefined);
  assert.equal(await latestPolicy(deps(), vaultId + 1_000), undefined);
});

it('the first writer of a key version wins', async () => {
  const vaultId = await ensureVault(deps(), 'keys');
  const store = makeWrappedKeyStore(deps());
  const key = (fill: number) => ({
    vaultId,
    purpose: 'seal' as const,
    version: 1,
    state: 'active' as const,
    wrapped: Buffer.alloc(40, fill),
    mac: Buffer.alloc(32, fill),
  });
  await store.insert(key(1));
  await store.insert(key(2));
  assert.deepEqual(await store.load(vaultId), [key(1)]);
});

it('keys made by racing processes are the same keys, and an edited row opens nothing', async () => {
  const keysets = await Promise.all(times(4, () => openKeysets(pool)));
  const vaultId = await ensureVault(deps(), 'sealing');
  await Promise.all(keysets.map((each) => each.ensureVault(vaultId)));
  const digests = await Promise.all(
    keysets.map(async (each) =>
      (await each.cipherOf(vaultId)).subjectDigest('ada').toString('hex'),
    ),
  );
  assert.equal(new Set(digests).size, 1);
  await withClient(database.ownerUrl, (client) =>
    client.query(`update key_version set state = 'deactivated' where vault_id = $1`, [vaultId]),
  );
  const fresh = await openKeysets(pool);
  await assert.rejects(fresh.cipherOf(vaultId));
});
