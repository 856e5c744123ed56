import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { Pool } from 'pg';
import { makeBudgetStore } from '../../src/adapters/postgres/budgets.ts';
import { makePool } from '../../src/adapters/postgres/pool.ts';
import { randomBytes } from '../../src/crypto/random.ts';
import { VaultError } from '../../src/domain/errors.ts';
import { realClock as clock } from '../helpers/clock.ts';
import { createTestDatabase, type TestDatabase, withClient } from '../helpers/database.ts';

const HOUR_MS = 3_600_000;
const WINDOW_MS = 100;

let database: TestDatabase;
/** Without time limits: a busy machine may be slow. */
let pools: Pool[];
before(async () => {
  database = await createTestDatabase();
  pools = Array.from(
    { length: 5 },
    () => new Pool({ connectionString: database.serviceUrl, max: 4 }),
  );
  for (const pool of pools) pool.on('error', () => {});
});
after(async () => {
  await Promise.all(pools.map((pool) => pool.end()));
  await database.drop();
});

/** Callers of five instances, ten each. */
const stores = () =>
  pools.flatMap((pool) => Array.from({ length: 10 }, () => makeBudgetStore({ pool, clock })));
const sum = (numbers: number[]) => numbers.reduce((total, each) => total + each, 0);

it('fifty callers on five instances together get a budget once, to the last token', async () => {
  const ask = { vaultId: 1, holder: randomBytes(16), want: 3, limit: 200, windowMs: HOUR_MS };
  const granted = await Promise.all(
    stores().map(async (store) => {
      const mine: number[] = [];
      for (let turn = 0; turn < 4; turn += 1) mine.push((await store.lease(ask)).granted);
      return sum(mine);
    }),
  );
  assert.equal(sum(granted), 200);
});

it('no window gives more than the limit, however many begin while callers race', async () => {
  const holder = randomBytes(16);
  const ask = { vaultId: 1, holder, want: 2, limit: 20, windowMs: WINDOW_MS };
  // Each lease as the database saw it: what a window gave is the sum of what its leases got.
  await withClient(database.ownerUrl, (client) =>
    client.query(`
      create table seen (window_start timestamptz, used int);
      create function see() returns trigger language plpgsql security definer as
        $$ begin insert into seen values (new.window_start, new.granted); return null; end $$;
      create trigger see after insert or update on budget_lease for each row execute function see()`),
  );
  const caller = async (store: ReturnType<typeof makeBudgetStore>) => {
    const mine: number[] = [];
    for (let turn = 0; turn < 20; turn += 1) mine.push((await store.lease(ask)).granted);
    return sum(mine);
  };
  const granted = sum(await Promise.all(stores().map(caller)));
  const windows = await withClient(database.ownerUrl, async (client) => {
    const { rows } = await client.query<{ used: number }>(
      'select sum(used)::int as used from seen group by window_start',
    );
    await client.query('drop trigger see on budget_lease');
    return rows.map(({ used }) => used);
  });
  assert.ok(windows.length >= 1 && windows.every((used) => used <= 20), windows.join(' '));
  assert.equal(sum(windows), granted);
});

it('a lease that was lost at its commit stays spent, and the caller gets another one', async () => {
  await withClient(database.ownerUrl, (client) =>
    client.query(`create function warn() returns trigger language plpgsql as
      $$ begin raise warning 'canceling wait'; return null; end $$;
      create trigger warn after insert on budget_lease for each row execute function warn()`),
  );
  const [pool] = pools;
  const store = makeBudgetStore({ pool: pool ?? assert.fail(), clock });
  const ask = { vaultId: 1, holder: randomBytes(16), want: 4, limit: 10, windowMs: HOUR_MS };
  // The notice puts the first lease in doubt. The one in its place is of the same window.
  const leased = await store.lease(ask);
  await withClient(database.ownerUrl, (client) =>
    client.query('drop trigger warn on budget_lease'),
  );
  assert.equal(leased.granted, 4);
  assert.equal((await store.lease(ask)).granted, 2);
});

it('a server that is away is store_unavailable', async () => {
  const away = new URL(database.serviceUrl);
  away.port = '1';
  away.searchParams.delete('host');
  const pool = makePool({ connectionString: away.href, max: 1, name: 'test' });
  const ask = { vaultId: 1, holder: randomBytes(16), want: 1, limit: 1, windowMs: HOUR_MS };
  await assert.rejects(
    makeBudgetStore({ pool, clock }).lease(ask),
    (error: unknown) => error instanceof VaultError && error.code === 'store_unavailable',
  );
  await pool.end();
});
