// CPU time by thread, from Linux's /proc. Elsewhere there are no figures of it, and nothing else changes.
import { readdir, readFile } from 'node:fs/promises';
import type { DatabaseServer } from '../lab/database.ts';

/** Nanoseconds of CPU that each group of threads has had so far. */
export type CpuReading = ReadonlyMap<string, number>;

/** A process of ours whose threads are told apart. */
export type Watched = { name: string; pid: number };

/** Which threads are told apart, by the names that Node gives them; V8's own collect garbage and compile. */
const THREADS: Readonly<Record<string, string>> = {
  'node-V8Worker': 'V8 threads (GC, compiler)',
  sequencer: 'sequencer thread',
};

/**
 * CPU time so far, by process: threads of `processes` by their kind, the backends of `server` by the name
 * that their clients gave.
 */
export async function readCpu(
  processes: readonly Watched[],
  server: DatabaseServer | undefined,
): Promise<CpuReading> {
  const sums = new Map<string, number>();
  const add = (name: string, nanos: number) => sums.set(name, (sums.get(name) ?? 0) + nanos);
  for (const { name, pid } of processes) {
    const threads = await Promise.all((await withDescendants(pid)).map(threadsOf));
    for (const thread of threads.flat()) add(`${name}: ${kindOf(thread)}`, thread.nanos);
  }
  if (server !== undefined) {
    const names = await server.backends();
    for (const pid of await childrenOf(server.pid)) {
      const group = names.get(pid) ?? 'background';
      for (const { nanos } of await threadsOf(pid)) add(`Postgres: ${group}`, nanos);
    }
  }
  return sums;
}

/** Microseconds between two readings for each of `count` pieces of work, largest first; nothing below 0.1. */
export function cpuMicros(
  before: CpuReading,
  after: CpuReading,
  count: number,
): Record<string, number> {
  const spent = [...after].map(([name, nanos]): [string, number] => {
    const micros = (nanos - (before.get(name) ?? 0)) / 1_000 / Math.max(1, count);
    return [name, Math.round(micros * 10) / 10];
  });
  return Object.fromEntries(
    spent.filter(([, micros]) => micros >= 0.1).sort(([, a], [, b]) => b - a),
  );
}

type Thread = { isMain: boolean; name: string; nanos: number };

function kindOf({ isMain, name }: Thread): string {
  return isMain ? 'main thread' : (THREADS[name] ?? 'other threads');
}

/** Those of a process that has ended are none. */
async function threadsOf(pid: number): Promise<Thread[]> {
  const folder = `/proc/${pid}/task`;
  const ids = await readdir(folder).catch(() => []);
  const threads = ids.map(async (id): Promise<Thread[]> => {
    try {
      const [name, schedstat] = await Promise.all([
        readFile(`${folder}/${id}/comm`, 'latin1'),
        readFile(`${folder}/${id}/schedstat`, 'latin1'),
      ]);
      return [{ isMain: id === String(pid), name: name.trim(), nanos: parseSchedstat(schedstat) }];
    } catch {
      return [];
    }
  });
  return (await Promise.all(threads)).flat();
}

/** Nanoseconds on a CPU: the first of the three numbers (Linux, Documentation/scheduler/sched-stats). */
export function parseSchedstat(text: string): number {
  const [nanos = ''] = text.split(' ');
  return Number(nanos);
}

async function childrenOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'latin1').catch(() => '');
  return text.trim().split(' ').filter(Boolean).map(Number);
}

/** A service may have workers: they are the service. */
async function withDescendants(pid: number): Promise<number[]> {
  const below = await Promise.all((await childrenOf(pid)).map(withDescendants));
  return [pid, ...below.flat()];
}

/** Resident memory of a process and its workers in MiB, now; `undefined` where nobody tells. */
export async function readRssMib(pid: number): Promise<number | undefined> {
  const sizes = await Promise.all((await withDescendants(pid)).map(rssMibOf));
  const known = sizes.flatMap((size) => size ?? []);
  return known.length === 0 ? undefined : known.reduce((sum, size) => sum + size, 0);
}

async function rssMibOf(pid: number): Promise<number | undefined> {
  const status = await readFile(`/proc/${pid}/status`, 'latin1').catch(() => '');
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
  return kib === undefined ? undefined : Number(kib) / 1_024;
}
