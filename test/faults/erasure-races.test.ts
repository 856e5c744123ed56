import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, it } from 'node:test';
import {
  importedToken,
  newAnswer,
  newToken,
  smallToken,
  VAULT_ID,
} from '../contract/token-store-rows.ts';
import { realClock as clock } from '../helpers/clock.ts';
import { withClient } from '../helpers/database.ts';
import { newValue, openThreeStores, type ThreeStores } from './three-stores.ts';

let three: ThreeStores;
before(async () => {
  three = await openThreeStores();
});
after(() => three?.close());

/** A new person, and every way to write something that names them, each in a statement of its own. */
async function newPerson() {
  const { id: subjectId } = await three.storeAt(0).ensureSubject({
    vaultId: VAULT_ID,
    digest: randomBytes(32),
    sealedSecret: randomBytes(77),
  });
  const shared = newToken();
  await three.storeAt(0).insert(shared);
  const named = { subjectId };
  const writes: (() => Promise<unknown>)[] = [
    () => three.storeAt(0).insert(newToken({ ...named, sealedForSubject: true })),
    () => three.storeAt(1).insert(newToken({ ...named, idempotency: newAnswer() })),
    () => three.storeAt(2).insert(smallToken({ ...named, tags: [randomBytes(16)] })),
    () => three.storeAt(0).import(importedToken(newValue(), named)),
    () => three.storeAt(1).link({ ...shared, ...named }),
  ];
  return { subjectId, writeAll: () => Promise.all(writes.map((write) => write())) };
}

/** As an erasure does it, with plain statements; `during` runs after it has looked for the person's rows. */
async function erase(subjectId: string, during = async () => {}): Promise<void> {
  await withClient(three.ownerUrl, async (client) => {
    const run = (text: string) => client.query(text, [subjectId]);
    await client.query('begin');
    await run('select from subject where id = $1 for update');
    const { rows } = await run('select token from token_subject where subject_id = $1');
    await during();
    await run('delete from token_subject where subject_id = $1');
    const tokens = rows.map(({ token }) => token);
    await client.query('delete from token where token = any ($1)', [tokens]);
    await run('delete from idempotency where subject_id = $1');
    await run('delete from subject where id = $1');
    await client.query('commit');
  });
}

async function assertNothingOf(subjectId: string): Promise<void> {
  for (const table of ['token', 'token_subject', 'idempotency']) {
    const left = await three.sql(`select from ${table} where subject_id = $1`, [subjectId]);
    assert.equal(left.rowCount, 0, table);
  }
}

async function untilWaiting(what: string, count: number): Promise<void> {
  const text = `select from pg_stat_activity
    where datname = current_database() and (wait_event_type = $1 or wait_event = $1)`;
  for (let waiting = 0; waiting < count; await clock.sleep(10)) {
    waiting = (await three.sql(text, [what])).rowCount ?? 0;
  }
}

it('waits for the erasure of a person, and then writes nothing that names them', async () => {
  const { subjectId, writeAll } = await newPerson();
  let writes: ReturnType<typeof writeAll> | undefined;
  await erase(subjectId, async () => {
    writes = writeAll();
    await untilWaiting('Lock', 5);
  });
  const gone = { kind: 'subject_gone' };
  assert.deepEqual(await writes, [gone, gone, gone, gone, undefined]);
  await assertNothingOf(subjectId);
});

it('lets an erasure wait for what is being written of the person, and see it', async () => {
  await three.sql(`create function slow() returns trigger language plpgsql as
      $$ begin perform pg_sleep(1); return null; end $$;
    create trigger slow after insert on token_subject for each statement execute function slow()`);
  const { subjectId, writeAll } = await newPerson();
  const writes = writeAll();
  await untilWaiting('PgSleep', 5);
  await erase(subjectId);
  const kinds = (await writes).map((result) => (result as { kind: string } | undefined)?.kind);
  await three.sql('drop trigger slow on token_subject');
  assert.deepEqual(kinds, ['inserted', 'inserted', 'inserted', 'imported', undefined]);
  await assertNothingOf(subjectId);
});

it('leaves nothing of a person who is erased while many write', async () => {
  for (let round = 0; round < 5; round += 1) {
    const { subjectId, writeAll } = await newPerson();
    const waves = Array.from({ length: 8 }, async (_, wave) => {
      await clock.sleep(wave * 4);
      await Promise.all(Array.from({ length: 6 }, writeAll));
    });
    await clock.sleep(12);
    await erase(subjectId);
    await Promise.all(waves);
    await assertNothingOf(subjectId);
  }
});
