#!/usr/bin/env node
import { text } from 'node:stream/consumers';
import { setFlagsFromString } from 'node:v8';
import { catchSignals } from './cli/catch-signals.ts';
import { findVersionProblem } from './cli/check-node-version.ts';
import { followNpm } from './cli/follow-npm.ts';
import { runCli } from './cli/run.ts';

const problem = findVersionProblem(process.versions.node);
if (problem !== undefined) {
  process.stderr.write(`counterfoil: ${problem}\n`);
  process.exit(1);
}

// Of threads, whose heaps are made later: they have little in flight. This thread keeps what it was started with.
setFlagsFromString('--max-semi-space-size=2');
// Small buffers are slices of shared memory, which all stays for as long as one of them: of 64 KiB, by default.
Buffer.poolSize = 8 * 1024;

// As if the terminal had been closed.
followNpm(process, () => process.kill(process.pid, 'SIGHUP'));

const code = await runCli(process.argv.slice(2), {
  env: process.env,
  out: (line) => process.stdout.write(line),
  err: (line) => process.stderr.write(line),
  ...(process.stderr.isTTY && { draw: (text: string) => process.stderr.write(text) }),
  input: () => text(process.stdin),
  catchSignals: () => catchSignals(process),
});
// What is printed to a pipe may still be on its way: ending now would cut it off, with exit code 0.
await Promise.all(
  [process.stdout, process.stderr].map(
    (stream) => new Promise<unknown>((resolve) => stream.write('', resolve)),
  ),
);
// Not left to the event loop: a socket that somebody else holds open must not keep us alive.
process.exit(code);
