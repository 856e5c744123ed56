// The thread that integrates: started by `startSequencer`, one in each process.
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { randomBytes } from '../../../../crypto/random.ts';
import { SecretKey } from '../../../../crypto/secret.ts';
import { makeTimedCache } from '../../../../crypto/timed-cache.ts';
import { describeError } from '../../../../telemetry/describe-error.ts';
import { makePool } from '../../pool.ts';
import { makeCycle } from './cycle.ts';
import { ensureShard } from './ensure-shard.ts';
import { startLoop } from './loop.ts';
import type { FromWorker, ToWorker, WorkerOptions } from './messages.ts';
import { listDays } from './pending.ts';
import { makeQuestions, type Questions } from './questions.ts';

const CONNECTIONS = 2;
const clock = { now: () => Date.now(), monotonic: () => performance.now() };

/** Puts the parts of the thread together. Everything secret comes over the port, nothing from outside. */
function start(port: MessagePort, options: WorkerOptions): void {
  const send = (message: FromWorker) => port.postMessage(message);
  const questions = makeQuestions((id, question) => send({ kind: 'question', id, question }));
  const pool = makePool({
    connectionString: options.connectionString,
    max: CONNECTIONS,
    name: 'counterfoil-sequencer',
  });
  const keys = makeTimedCache<SecretKey>({ maxAgeMs: options.keyLifeMs, clock });
  const shardDeps = {
    pool,
    clock,
    random: randomBytes,
    baseOrigin: options.baseOrigin,
    vkeysOf: async (origin: string) =>
      (await questions.ask({ what: 'vkeys', origin })) as readonly string[],
  };
  const loop = startLoop({
    cycle: makeCycle({
      pool,
      clock,
      random: randomBytes,
      auditMac: () => keys.get('audit-mac', () => askForKey(questions)),
      delays: options.delays,
    }),
    clock,
    random: randomBytes,
    keepShard: () => ensureShard(shardDeps),
    listDays: () => listDays(pool),
    report: (report) => send({ kind: 'report', report }),
    failed: (error) => send({ kind: 'failed', error: describeError(error) }),
    thoroughEveryMs: options.thoroughEveryMs,
  });
  port.on('message', (message: ToWorker) => {
    if (message.kind === 'answer') {
      questions.answer(message.id, message.value);
    } else if (message.kind === 'refusal') {
      questions.refuse(message.id);
    } else if (message.kind === 'nudge') {
      loop.nudge();
    } else {
      // With the port closed, nothing keeps the thread.
      void loop.close(message.withinMs).finally(() => pool.end().finally(() => port.close()));
    }
  });
}

/** Key objects cross threads as references: the bytes stay outside both heaps. */
async function askForKey(questions: Questions): Promise<SecretKey> {
  type KeyObject = ReturnType<SecretKey['keyObject']>;
  return SecretKey.from((await questions.ask({ what: 'audit-mac' })) as KeyObject);
}

if (parentPort !== null) {
  start(parentPort, workerData as WorkerOptions);
}
