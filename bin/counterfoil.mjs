#!/usr/bin/env node
// The command `counterfoil`. In a clone it runs the source on the Node that npm brought; from the
// published package, which has no source, it runs the build on the Node at hand. Plain JavaScript: in
// a clone an older Node may be what reads this.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const at = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const isClone = existsSync(at('src/main.ts'));
if (isClone && !existsSync(at('node_modules/.bin/node'))) {
  process.stderr.write('counterfoil: install the packages first: npm ci\n');
  process.exit(1);
}
const [node, main] = isClone
  ? [at('node_modules/.bin/node'), at('src/main.ts')]
  : [process.execPath, at('dist/main.js')];

// The same as `start` in package.json and the entry point of the image. What keeps the memory small is
// explained in docs/guides/operating.md, Memory.
const options = [
  '--disable-proto=delete',
  '--disable-sigusr1',
  '--max-semi-space-size=8',
  '--heap-growing-percent=30',
  '--no-parallel-scavenge',
];
const child = spawn(node, [...options, main, ...process.argv.slice(2)], {
  stdio: 'inherit',
  env: { MALLOC_ARENA_MAX: '2', MALLOC_TRIM_THRESHOLD_: '1048576', ...process.env },
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => child.kill(signal));
}
child.on('exit', (code) => process.exit(code ?? 1));
