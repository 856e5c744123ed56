import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, it } from 'node:test';
import { BY_TIME, BY_TIME_WITH_TAGS } from '../../src/adapters/postgres/token-search-sql.ts';
import { VaultError } from '../../src/domain/errors.ts';
import type { TokenSearch } from '../../src/operations/ports/token-search.ts';
import { openInstances, type StoreInstances } from '../helpers/store-instances.ts';

const ROWS = 42_000;
const FREQUENT = createHash('md5').update('frequent').digest();
const HALF = createHash('md5').update('half').digest();
const RARE = createHash('md5').update('rare').digest();

let instances: StoreInstances;
/** A row per second in two fields, all with one tag, every second one with another, one in 500 with a third. */
before(async () => {
  instances = await openInstances(1);
  await instances.sql(`
    insert into token (shard, vault_id, token, field_id, sealed, created_at)
    select i % 256, 1, 'tok_' || lpad(i::text, 6, '0'), 1 + i % 2,
      '\\x0100000001'::bytea || decode(repeat('ab', 60), 'hex'),
      '2026-01-01T00:00:00Z'::timestamptz + i * interval '1 second'
    from generate_series(1, ${ROWS}) i`);
  for (const [tag, holds] of [
    ['frequent', 'true'],
    ['half', 'number % 4 < 2'],
    ['rare', 'number % 500 = 0'],
  ]) {
    await instances.sql(`
      insert into token_tag (shard, vault_id, token, tag)
      select shard, vault_id, token, decode(md5('${tag}'), 'hex')
      from token cross join lateral (select right(token, 6)::int as number) n where ${holds}`);
  }
  await instances.sql('analyze');
});
after(() => instances.close());

const nameOf = (number: number) => `tok_${String(number).padStart(6, '0')}`;
/** The numbers that hold, the highest first. */
const newest = (limit: number, holds: (number: number) => boolean) =>
  Array.from({ length: ROWS }, (_, index) => ROWS - index)
    .filter(holds)
    .slice(0, limit)
    .map(nameOf);

async function search(query: Partial<Parameters<TokenSearch['search']>[0]>): Promise<string[]> {
  const [stores] = instances.all;
  const all = { vaultId: 1, fieldIds: [1, 2], tags: [], limit: 50 };
  const found = await (stores ?? assert.fail()).search.search({ ...all, ...query });
  return found.map(({ token }) => token);
}

it('finds the same by rare tags, by frequent ones, and by both', async () => {
  const isHalf = (number: number) => number % 4 < 2;
  assert.deepEqual(
    await search({ tags: [FREQUENT] }),
    newest(50, () => true),
  );
  assert.deepEqual(await search({ tags: [HALF, FREQUENT] }), newest(50, isHalf));
  assert.deepEqual(
    await search({ tags: [FREQUENT, RARE, HALF] }),
    newest(50, (number) => number % 500 === 0),
  );
  assert.deepEqual(
    await search({ tags: [FREQUENT], fieldIds: [2] }),
    newest(50, (number) => number % 2 === 1),
  );
});

it('pages through frequent tags without a gap', async () => {
  const [stores] = instances.all;
  const { search: find } = (stores ?? assert.fail()).search;
  const query = { vaultId: 1, fieldIds: [1, 2], tags: [HALF, FREQUENT], limit: 25 };
  const first = await find(query);
  const after = first.at(-1) ?? assert.fail();
  const second = await find({ ...query, after });
  assert.deepEqual(
    [...first, ...second].map(({ token }) => token),
    newest(50, (number) => number % 4 < 2),
  );
});

it('reads a page by the index over time, and never the whole table', async () => {
  for (const [text, tags] of [
    [BY_TIME, []],
    [BY_TIME_WITH_TAGS, [[FREQUENT]]],
  ] as const) {
    const plan = await instances.sql<{ 'QUERY PLAN': string }>(
      `explain (analyze, costs off, timing off, summary off) ${text}`,
      [1, [1, 2], 50, null, null, null, '', ...tags],
    );
    const lines = plan.map((row) => row['QUERY PLAN']).join('\n');
    assert.match(lines, /using token_created_at on token/);
    assert.doesNotMatch(lines, /Seq Scan on token|Bitmap/);
  }
});

it('counts every token of every field', async () => {
  const [stores] = instances.all;
  const usage = await (stores ?? assert.fail()).search.usage(1);
  const none = { spaces: 0, fullest: 0 };
  assert.deepEqual(usage, [
    { fieldId: 1, used: ROWS / 2, ...none },
    { fieldId: 2, used: ROWS / 2, ...none },
  ]);
});

it('a server that is away is store_unavailable', async () => {
  const isStoreFailure = (error: unknown) =>
    error instanceof VaultError && error.code === 'store_unavailable';
  const { search: away } = instances.away();
  const query = { vaultId: 1, fieldIds: [1], tags: [], limit: 1 };
  await assert.rejects(away.search(query), isStoreFailure);
  await assert.rejects(away.usage(1), isStoreFailure);
});
