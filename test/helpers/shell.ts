import { spawnSync } from 'node:child_process';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runProgram } from './process.ts';

/** What the printed lines use of curl: one URL, `-H`, `-d` or `--data-binary @-`; GET without a body. */
const STAND_IN = `#!${process.execPath}
const args = process.argv.slice(2), headers = {};
let url, body;
for (let i = 0; i < args.length; i += 1) {
  if (args[i] === '-H') { const [name, value] = args[++i].split(': '); headers[name] = value; }
  else if (args[i] === '-d') body = args[++i];
  else if (args[i] === '--data-binary') { i += 1; body = require('node:fs').readFileSync(0); }
  else if (!args[i].startsWith('-')) url = args[i];
}
fetch(url, { method: body === undefined ? 'GET' : 'POST', headers, body }).then((r) => r.text()).then((t) => process.stdout.write(t));
`;

/**
 * A way to run lines as if pasted into a shell. Where there is no curl (a bare Debian has none) a
 * stand-in is put on the PATH, so that what the lines say is tested all the same.
 */
export async function makeShell(): Promise<(line: string) => Promise<string>> {
  let path = process.env['PATH'] ?? '';
  if (spawnSync('curl', ['--version']).error !== undefined) {
    const folder = await mkdtemp(join(tmpdir(), 'counterfoil-curl-'));
    await writeFile(join(folder, 'curl'), STAND_IN, { mode: 0o755 });
    path = `${folder}:${path}`;
  }
  return async (line) => (await runProgram(['sh', '-c', line], { env: { PATH: path } })).stdout;
}
