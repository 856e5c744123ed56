// Runs before `npm start`, `npm test`, `npm run check` and `npm run bench`, so that each works as the
// first command in a fresh clone. Plain JavaScript without dependencies: it must run on whatever
// Node started npm, before the project's own Node is there.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const installed = join(root, 'node_modules', '.package-lock.json');

/** True when every package that the lockfile names for this platform is there in that version. */
function isComplete() {
  if (!existsSync(installed) || !existsSync(join(root, 'node_modules', '.bin', 'node')))
    return false;
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  const present = JSON.parse(readFileSync(installed, 'utf8')).packages;
  return Object.entries(wanted).every(
    ([path, entry]) =>
      path === '' || present[path]?.version === entry.version || (entry.optional && !present[path]),
  );
}

if (!isComplete()) {
  process.stderr.write('Installing packages (once) ...\n');
  const result = spawnSync('npm', ['ci', '--no-fund', '--no-audit', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (result.status !== 0) {
    process.stderr.write('Installing packages failed: is a registry reachable? Try `npm ci`.\n');
    process.exit(result.status ?? 1);
  }
}
