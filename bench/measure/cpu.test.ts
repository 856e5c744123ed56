import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { cpuMicros, parseSchedstat, readCpu, readRssMib } from './cpu.ts';

test('the time on a CPU is the first number of schedstat', () => {
  assert.equal(parseSchedstat('123456789 42 7\n'), 123_456_789);
});

test('CPU is told for each piece of work, the largest first, and what used none is left out', () => {
  const before = new Map([
    ['small', 1_000_000],
    ['idle', 5],
  ]);
  const after = new Map([
    ['idle', 5],
    ['small', 2_000_000],
    ['new', 30_000_000],
  ]);
  const spent = cpuMicros(before, after, 1_000);
  assert.deepEqual(Object.entries(spent), [
    ['new', 30],
    ['small', 1],
  ]);
});

test('a process and those that it has started are one', async () => {
  if (process.platform !== 'linux') return;
  const child = spawn(process.execPath, ['-e', 'process.stdin.resume()']);
  const own = Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1]);
  try {
    const isCounted = async () => {
      const mib = (await readRssMib(process.pid)) ?? 0;
      const reading = await readCpu([{ name: 'us', pid: process.pid }], undefined);
      return mib > own / 1_024 + 20 && (reading.get('us: main thread') ?? 0) > 0;
    };
    while (!(await isCounted())) await sleep(20);
  } finally {
    child.kill();
  }
});
