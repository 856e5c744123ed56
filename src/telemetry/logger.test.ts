import assert from 'node:assert/strict';
import { test } from 'node:test';
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
