import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import type { Generator, LoadFigures, LoadOptions } from './generator.ts';
import { RESULT_MARK, wrkScript } from './wrk-script.ts';

const run = promisify(execFile);

/** Longer than any answer takes: what is late is in the percentiles, not among the failures. */
const TIMEOUT_S = 30;

const resultSchema = z.object({
  requests: z.number(),
  micros: z.number().positive(),
  refused: z.number(),
  broken: z.number(),
  p50: z.number(),
  p99: z.number(),
  p999: z.number(),
});

/** `wrk` with one thread, so that it takes as little as it can of the cores that are measured. */
export const wrk: Generator = {
  name: 'wrk',
  load: async ({ url, connections, seconds, workload }: LoadOptions) => {
    const folder = await mkdtemp(join(tmpdir(), 'counterfoil-wrk-'));
    try {
      const listFiles = await writeLists(folder, workload);
      const script = join(folder, 'load.lua');
      const id = folder.slice(-6) + Date.now().toString(36);
      await writeFile(script, wrkScript(workload, { run: id, listFiles }));
      const args = ['-t1', `-c${connections}`, `-d${Math.ceil(seconds)}s`];
      const last = ['--timeout', `${TIMEOUT_S}s`, '-s', script, url];
      const { stdout } = await run('wrk', [...args, ...last], { maxBuffer: 1 << 20 });
      return parseWrk(stdout);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};

/** Reads what the script prints at the end. Throws when there is no such line. */
export function parseWrk(output: string): LoadFigures {
  const line = output.split('\n').find((candidate) => candidate.startsWith(RESULT_MARK));
  if (line === undefined) throw new Error(`wrk printed no result:\n${output}`);
  const told = resultSchema.parse(JSON.parse(line.slice(RESULT_MARK.length)));
  return {
    requests: told.requests - told.refused,
    seconds: told.micros / 1e6,
    latencyMs: { p50: told.p50 / 1_000, p99: told.p99 / 1_000, p999: told.p999 / 1_000 },
    failed: told.refused + told.broken,
  };
}

async function writeLists(folder: string, { requests }: LoadOptions['workload']) {
  const files: string[] = [];
  for (const [index, { body }] of requests.entries()) {
    const file = join(folder, `list-${index}`);
    const texts = body.items.kind === 'list' ? body.items.texts : [];
    await writeFile(file, texts.map((text) => `${text}\n`).join(''));
    files.push(file);
  }
  return files;
}
