import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import type { FromWorker, ToWorker } from './messages.ts';
import { superviseWorkers } from './supervisor.ts';

const HTTP = 'http://127.0.0.1:1';

/** A process that does what the test says, and hears what the primary tells it. */
class FakeProcess extends EventEmitter {
  readonly heard: ToWorker[] = [];
  readonly process = {
    kill: (signal?: string | number) => this.end({ code: null, signal: String(signal) }),
  };

  send(message: ToWorker): boolean {
    this.heard.push(message);
    if (message.kind === 'stop') this.end({ code: 0, signal: null });
    return true;
  }

  say(message: FromWorker): void {
    this.emit('message', message);
  }

  end({ code, signal }: { code: number | null; signal: string | null }): boolean {
    return this.emit('exit', code, signal);
  }

  listen(http = HTTP): void {
    this.say({ kind: 'here' });
    this.say({ kind: 'listening', http });
  }
}

function open(count: number) {
  const forked: FakeProcess[] = [];
  const warned: string[] = [];
  const logged: string[] = [];
  const watch = { serving: 0, ended: [] as number[] };
  const forks = new EventEmitter();
  const workers = superviseWorkers({
    count,
    fork: () => {
      const fake = new FakeProcess();
      forked.push(fake);
      forks.emit('fork');
      // The tests speak the part of the interface that is used.
      return fake as unknown as ReturnType<Parameters<typeof superviseWorkers>[0]['fork']>;
    },
    clock: { monotonic: () => 0 },
    logger: { error: (event) => logged.push(event) },
    metrics: {
      serving: (now) => {
        watch.serving = now;
      },
      ended: (place) => watch.ended.push(place),
    },
    warn: (problem) => warned.push(problem),
  });
  /** The process that was forked as this one, the first is 1; waits until it is. */
  const nth = async (place: number): Promise<FakeProcess> => {
    while (forked.length < place) await new Promise((resolve) => forks.once('fork', resolve));
    return forked[place - 1] ?? assert.fail();
  };
  return { workers, forked, nth, warned, logged, watch };
}

async function openServing(count: number) {
  const opened = open(count);
  for (let place = 1; place <= count; place += 1) (await opened.nth(place)).listen();
  assert.equal(await opened.workers.listening, HTTP);
  return opened;
}

test('the first worker starts alone; the others when it listens, each told which it is', async () => {
  const { workers, forked, nth } = open(3);
  const first = await nth(1);
  first.say({ kind: 'here' });
  await new Promise(setImmediate);
  assert.equal(forked.length, 1);
  first.say({ kind: 'listening', http: HTTP });
  for (const place of [2, 3]) (await nth(place)).listen();
  await workers.listening;
  assert.deepEqual(
    forked.map(({ heard }) => heard[0]),
    [1, 2, 3].map((place) => ({ kind: 'start', place })),
  );
  await workers.stop();
});

test('a start fails with what the worker that could not start says, or how it ended', async () => {
  const spoken = open(2);
  (await spoken.nth(1)).say({ kind: 'failed', problem: 'Cannot read it.' });
  await assert.rejects(spoken.workers.listening, { message: 'Cannot read it.' });

  const silent = open(2);
  (await silent.nth(1)).listen();
  (await silent.nth(2)).end({ code: null, signal: 'SIGKILL' });
  await assert.rejects(silent.workers.listening, {
    message: 'worker 2 ended at its start (SIGKILL)',
  });
  silent.workers.kill();
});

test('a worker that ends is replaced, and nobody else', async () => {
  const { workers, forked, nth, logged, watch } = await openServing(2);
  assert.equal(watch.serving, 2);
  forked[1]?.end({ code: 1, signal: null });
  const replacement = await nth(3);
  replacement.listen();
  assert.deepEqual(replacement.heard, [{ kind: 'start', place: 2 }]);
  while (watch.serving !== 2) await new Promise(setImmediate);
  assert.deepEqual(watch.ended, [2]);
  assert.deepEqual(logged, ['worker_ended']);
  await workers.stop();
});

test('what a replacement says when it cannot start is told, and it is tried again', async () => {
  const { workers, forked, nth, warned } = await openServing(1);
  forked[0]?.end({ code: 1, signal: null });
  const second = await nth(2);
  second.say({ kind: 'failed', problem: 'Postgres cannot be reached.' });
  second.end({ code: 1, signal: null });
  (await nth(3)).listen();
  assert.deepEqual(warned, ['Postgres cannot be reached.']);
  await workers.stop();
});

test('a replacement that would listen on another port is the end: callers do not know it', async () => {
  const { workers, forked, nth } = await openServing(1);
  forked[0]?.end({ code: null, signal: 'SIGKILL' });
  (await nth(2)).listen('http://127.0.0.1:2');
  await assert.rejects(workers.failed, /port that was drawn for them is gone/);
  workers.kill();
});

test('a stop lets those finish that serve, ends those that start, and replaces none', async () => {
  const { workers, forked, nth, warned } = await openServing(2);
  forked[1]?.end({ code: 1, signal: null });
  const starting = await nth(3);
  await workers.stop();
  assert.deepEqual(forked[0]?.heard.at(-1), { kind: 'stop' });
  assert.deepEqual(starting.heard, []);
  assert.deepEqual(warned, []);
  assert.equal(forked.length, 3);
});

test('a question is answered by each worker, and by none that has ended', async () => {
  const { workers, forked } = await openServing(2);
  const answers = workers.ask('alive');
  const question = forked[0]?.heard.at(-1);
  assert.ok(question?.kind === 'question');
  forked[0]?.say({ kind: 'answer', id: question.id, value: true });
  forked[1]?.end({ code: 1, signal: null });
  assert.deepEqual(await answers, [true, undefined]);
  workers.kill();
});
