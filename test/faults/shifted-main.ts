// The program with a wrong clock, in the thread of the sequencer as well. `serve` refuses to be started with
// --import.
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import threads, { type WorkerOptions } from 'node:worker_threads';

const CLOCK = join(import.meta.dirname, 'shifted-clock.ts');

class ShiftedWorker extends threads.Worker {
  constructor(entry: string | URL, options: WorkerOptions) {
    super(entry, { ...options, execArgv: ['--import', CLOCK] });
  }
}

threads.Worker = ShiftedWorker;
syncBuiltinESMExports();
await import('./shifted-clock.ts');
await import('../../src/main.ts');
