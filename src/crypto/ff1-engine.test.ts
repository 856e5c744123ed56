import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { ff1Item, runFf1 } from './ff1.ts';
import { makeFf1Engine } from './ff1-engine.ts';
import { SecretKey } from './secret.ts';

const key = SecretKey.take(Buffer.alloc(32, 3)).keyObject();
const WORK = { direction: 'encrypt', key, vaultId: 1, version: 1 } as const;

function jobOf(count: number) {
  const items = Array.from({ length: count }, (_, n) => {
    const digits = Array.from(String(1_000_000 + n), Number);
    return ff1Item({ radix: 10, digits, kept: '' }, { fieldId: 1, scope: 'vault' });
  });
  return { ...WORK, items };
}

test('a job gives the same in threads and without them, in its own order', async () => {
  const engine = makeFf1Engine({ threads: 2 });
  for (const count of [0, 1, 63, 64, 65, 1_000]) {
    assert.deepEqual(await engine.run(jobOf(count)), runFf1(jobOf(count)), String(count));
  }
  const jobs = Array.from({ length: 6 }, (_, n) => jobOf(100 + n));
  assert.deepEqual(await Promise.all(jobs.map(engine.run)), jobs.map(runFf1));
  await engine.close();
});

/** How many threads begin while `work` runs. */
async function threadsOf(work: () => Promise<unknown>): Promise<number> {
  let started = 0;
  const count = () => {
    started += 1;
  };
  process.on('worker', count);
  await work();
  process.off('worker', count);
  return started;
}

const tenTimes = (work: () => Promise<unknown>) => () =>
  Promise.all(Array.from({ length: 10 }, work));

test('only a large job starts threads, never more than allowed, and none when closed', async () => {
  const engine = makeFf1Engine({ threads: 2 });
  assert.equal(await threadsOf(tenTimes(() => engine.run(jobOf(63)))), 0);
  assert.ok([1, 2].includes(await threadsOf(tenTimes(() => engine.run(jobOf(300))))));
  await engine.close();
  assert.equal(await threadsOf(tenTimes(() => engine.run(jobOf(300)))), 0);
  const neverUsed = makeFf1Engine({ threads: 2 });
  await neverUsed.close();
  assert.equal(await threadsOf(() => neverUsed.run(jobOf(300))), 0);
});

test('a closed engine still works, and closing while it works loses nothing', async () => {
  const engine = makeFf1Engine({ threads: 1 });
  const running = engine.run(jobOf(2_000));
  await new Promise((resolve) => setImmediate(resolve));
  await engine.close();
  await engine.close();
  assert.deepEqual(await running, runFf1(jobOf(2_000)));
  assert.deepEqual(await engine.run(jobOf(100)), runFf1(jobOf(100)));
  await makeFf1Engine().close();
});

test('more than may wait is refused at once, and what waits is done and makes room', async () => {
  const engine = makeFf1Engine({ threads: 1, maxWaiting: 300 });
  const running = engine.run(jobOf(200));
  await assert.rejects(engine.run(jobOf(101)), { name: 'VaultError', code: 'overloaded' });
  const fitting = engine.run(jobOf(100));
  assert.deepEqual([(await running).length, (await fitting).length], [200, 100]);
  await assert.rejects(engine.run(jobOf(301)), { code: 'overloaded' });
  const broken = { ...jobOf(300), items: Array(300).fill('[]') };
  await assert.rejects(engine.run(broken));
  assert.equal((await engine.run(jobOf(300))).length, 300);
  await engine.close();
});

test('a job that FF1 refuses fails, and the engine goes on', async () => {
  const engine = makeFf1Engine({ threads: 1 });
  const broken = {
    ...jobOf(300),
    items: jobOf(300).items.map((item) => item.replace(',10,', ',1,')),
  };
  await assert.rejects(engine.run(broken), { name: 'VaultError', code: 'internal' });
  assert.deepEqual(await engine.run(jobOf(300)), runFf1(jobOf(300)));
  await engine.close();
});

test('threads that have nothing to do keep no process alive', async () => {
  const url = (name: string) => JSON.stringify(new URL(name, import.meta.url).href);
  const script = `
    import { makeFf1Engine } from ${url('./ff1-engine.ts')};
    import { SecretKey } from ${url('./secret.ts')};
    const item = JSON.stringify([1, 'vault', 10, '', [1, 2, 3, 4, 5, 6]]);
    const key = SecretKey.take(Buffer.alloc(32, 3)).keyObject();
    const job = { direction: 'encrypt', key, vaultId: 1, version: 1, items: Array(500).fill(item) };
    const results = await makeFf1Engine({ threads: 1 }).run(job);
    process.stdout.write(String(results.length));
  `;
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: 120_000,
  });
  const said: string[] = [];
  child.stdout.on('data', (chunk) => said.push(String(chunk)));
  assert.deepEqual(await once(child, 'close'), [0, null]);
  assert.equal(said.join(''), '500');
});
