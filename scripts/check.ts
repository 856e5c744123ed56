// `npm run check`: format and lint, types, layers, dead code. Every step must have had something to
// check: a tool that silently looks at nothing fails the run (dependency-cruiser did so with a
// TypeScript it could not use).
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { join } from 'node:path';

const bin = join(import.meta.dirname, '..', 'node_modules', '.bin');
const src = join(import.meta.dirname, '..', 'src/');

type Step = {
  name: string;
  command: string[];
  /** How many things the step looked at, read from its output; below the floor the step fails. */
  counted: (run: SpawnSyncReturns<string>) => number;
};

const match = (text: string, pattern: RegExp): number => Number(pattern.exec(text)?.[1] ?? 0);

const STEPS: Step[] = [
  {
    name: 'format and lint',
    command: ['biome', 'ci', '--error-on-warnings', '.'],
    counted: (run) => match(run.stdout + run.stderr, /Checked (\d+) files?/),
  },
  {
    name: 'types',
    command: ['tsc', '--noEmit', '--listFilesOnly'],
    counted: (run) => run.stdout.split('\n').filter((line) => line.startsWith(src)).length,
  },
  { name: 'types', command: ['tsc'], counted: () => Number.POSITIVE_INFINITY },
  {
    name: 'layers',
    command: [
      'depcruise',
      '--config',
      '.dependency-cruiser.cjs',
      '--output-type',
      'err-long',
      'src',
    ],
    counted: (run) => match(run.stdout, /\((\d+) modules/),
  },
  {
    name: 'dead code',
    command: ['knip', '--no-progress'],
    counted: () => Number.POSITIVE_INFINITY,
  },
];

const FLOOR = 20;

for (const { name, command, counted } of STEPS) {
  const [program = '', ...args] = command;
  const run = spawnSync(join(bin, program), args, { encoding: 'utf8', maxBuffer: 64 << 20 });
  const count = counted(run);
  if (run.status !== 0 || count < FLOOR) {
    process.stdout.write(run.stdout);
    process.stderr.write(run.stderr);
    const why = run.status === 0 ? `it checked only ${count} files` : `exit ${run.status}`;
    process.stderr.write(`check: ${name} failed (${program}: ${why})\n`);
    process.exit(1);
  }
  process.stdout.write(`check: ${name} ok${Number.isFinite(count) ? ` (${count} files)` : ''}\n`);
}
