import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { describeError } from './describe-error.ts';
import { type LogLevel, makeLogger } from './logger.ts';

const CANARY = 'canary-5f1d';

function capture(level: LogLevel = 'debug', redact: readonly string[] = ['value']) {
  const lines: string[] = [];
  const logger = makeLogger({ level, redact, destination: { write: (line) => lines.push(line) } });
  return { logger, lines, last: () => JSON.parse(lines.at(-1) ?? '{}') };
}

test('a line is one JSON object with level, time, event and its facts', () => {
  const { logger, last } = capture();
  logger.info('request', { status: 200 });
  const { time, ...line } = last();
  assert.match(time, /^\d{4}-\d\d-\d\dT.*Z$/);
  assert.deepEqual(line, { level: 'info', service: 'counterfoil', event: 'request', status: 200 });
});

test('lines below the level are not written', () => {
  const { logger, lines } = capture('warn');
  logger.info('quiet');
  logger.warn('loud');
  assert.equal(lines.length, 1);
});

test('a redacted name never shows its content, in the line or in a child', () => {
  const { logger, lines } = capture();
  logger.error('slip', { value: CANARY });
  logger.child({ value: CANARY, authorization: CANARY }).error('slip');
  assert.equal(lines.join('').includes(CANARY), false);
  assert.equal(lines.join('').includes('[redacted]'), true);
});

test('what is nested is withheld as a whole, whatever its name', () => {
  const { logger, last, lines } = capture();
  const nested = { part: { value: CANARY }, list: [CANARY] } as never;
  logger.error('slip', nested);
  assert.deepEqual([last().part, last().list], ['[redacted]', '[redacted]']);
  logger.child(nested).error('slip');
  assert.equal(lines.join('').includes(CANARY), false);
});

test('a field of the caller that is not secret is written as it is', () => {
  const { logger, last } = capture();
  logger.info('facts', { text: 'a"b', count: 0, is: false, none: undefined });
  const { text, count, is, ...others } = last();
  assert.deepEqual({ text, count, is }, { text: 'a"b', count: 0, is: false });
  assert.equal('none' in others, false);
});

test('whatever text and numbers are in the facts, a line is one line of JSON that says just these', () => {
  const { logger, lines } = capture();
  const fact = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.double(),
    fc.boolean(),
    fc.constant(undefined),
  );
  // A fact is not called as what every line has.
  const name = fc.string().map((text) => `f${text}`);
  fc.assert(
    fc.property(fc.dictionary(name, fact, { noNullPrototype: true }), (facts) => {
      logger.child(facts).info('facts');
      logger.info('facts', facts);
      for (const line of lines.splice(0)) {
        assert.equal(line.indexOf('\n'), line.length - 1);
        const { level, time, service, event, ...said } = JSON.parse(line);
        assert.deepEqual([level, service, event], ['info', 'counterfoil', 'facts']);
        assert.deepEqual(said, JSON.parse(JSON.stringify(facts)));
        assert.ok(Date.parse(time) > 0);
      }
    }),
  );
});

test('lines that wait for others are written when the process ends', async () => {
  const source = `
    import { makeLogger } from ${JSON.stringify(join(import.meta.dirname, 'logger.ts'))};
    const logger = makeLogger({ level: 'info', redact: [] });
    for (let count = 0; count < 20; count += 1) logger.info('line', { count });
    setImmediate(() => {
      logger.info('last');
      process.exit();
    });`;
  const args = ['--input-type=module-typescript', '--eval', source];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  const lines = stdout.trim().split('\n');
  assert.equal(lines.length, 21);
  assert.equal(JSON.parse(lines.at(-1) ?? '').event, 'last');
});

test('a warning does not wait for others to fill a block with', async () => {
  let flushes = 0;
  const destination = {
    write: () => undefined,
    flush: () => {
      flushes += 1;
    },
  };
  const logger = makeLogger({ level: 'info', redact: [], destination });
  logger.info('quiet');
  assert.equal(flushes, 0);
  logger.warn('loud');
  assert.equal(flushes, 1);
});

test('a child carries its fields on every line', () => {
  const { logger, last } = capture();
  logger.child({ part: 'audit' }).warn('slow');
  assert.equal(last().part, 'audit');
});

test('an error is logged by class, code and frames, never by its message', () => {
  const { logger, last, lines } = capture();
  const cause = Object.assign(new TypeError(`bad ${CANARY}\n    at fake (${CANARY}:1:1)`), {
    code: '22021',
  });
  logger.error('failed', {}, new Error(`could not do ${CANARY}`, { cause }));
  assert.equal(lines.join('').includes(CANARY), false);
  assert.equal(last().error.name, 'Error');
  assert.equal(last().error.cause.name, 'TypeError');
  assert.equal(last().error.cause.code, '22021');
  assert.match(last().error.at[0], /logger\.test\.ts/);
});

test('an error whose message was changed after its stack was taken shows no frames', () => {
  const error = new Error(CANARY);
  assert.equal(error.stack?.includes(CANARY), true);
  error.message = 'harmless';
  assert.deepEqual(describeError(error), { name: 'Error' });
});

test('a thrown value that is no error shows its type only', () => {
  assert.deepEqual(describeError(CANARY), { name: 'string' });
});

test('a code or class name that could carry input is not shown', () => {
  const error = Object.assign(new Error('x'), {
    code: `${CANARY} with spaces`,
    name: `a ${CANARY}`,
  });
  const { name, code } = describeError(error);
  assert.deepEqual({ name, code }, { name: 'Error', code: undefined });
});

test('a cycle of causes ends', () => {
  const error = new Error('x');
  error.cause = error;
  assert.equal(JSON.stringify(describeError(error)).match(/"cause"/g)?.length, 4);
});
