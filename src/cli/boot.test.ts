import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { catchSignals } from './catch-signals.ts';
import { findVersionProblem } from './check-node-version.ts';
import { checkRuntime } from './check-runtime.ts';

test('Node below the floor is refused', () => {
  for (const old of ['20.20.2', '22.22.2', '24.0.0', '24.13.9', '24.14.0']) {
    assert.match(findVersionProblem(old) ?? '', /needs Node 24\.14\.1 or newer/);
  }
  for (const good of ['24.14.1', '24.15.0', '25.0.0', '26.10.0', '30.0.0-nightly']) {
    assert.equal(findVersionProblem(good), undefined);
  }
});

test('serve refuses a Node that opens its memory or loads other code', () => {
  for (const nodeOptions of [
    '--inspect',
    '--max-http-header-size=1 --inspect-brk=0.0.0.0:1',
    '--require ./x.js',
    '-r ./x.js',
    '--import=x',
    '--heapsnapshot-signal=SIGUSR2',
    '--report-on-signal',
  ]) {
    assert.throws(() => checkRuntime({ nodeOptions, execArgv: [] }), { message: /NODE_OPTIONS/ });
    const execArgv = nodeOptions.split(' ');
    assert.throws(() => checkRuntime({ nodeOptions: undefined, execArgv }));
  }
  checkRuntime({ nodeOptions: '--max-old-space-size=512', execArgv: ['--disable-proto=delete'] });
});

test('the first signal asks to stop, its echo does nothing, a later one asks to hurry', () => {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) {
    const source = new EventEmitter();
    let now = 0;
    const { stop, hurry } = catchSignals(source, () => now);
    assert(!stop.aborted);
    source.emit(signal);
    source.emit('SIGINT');
    assert(stop.aborted);
    assert(!hurry.aborted);
    now = 1000;
    source.emit(signal);
    assert(hurry.aborted);
  }
});
