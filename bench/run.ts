// `npm run bench`: measures the service in its production configuration against what the machine gives: an
// empty route, and Postgres by itself. Ratios within one run are what counts: they hold on any machine.
// Traffic goes to loopback only. Options: `options.ts`; what is measured: `scenarios/`.
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Lab, openLab } from './lab/lab.ts';
import { chooseGenerator } from './load/choose.ts';
import type { Generator } from './load/generator.ts';
import { type Options, parseOptions, USAGE } from './options.ts';
import { changeLines, compareResults } from './report/compare.ts';
import { saveResult } from './report/files.ts';
import { describeCommit, describeMachine } from './report/machine.ts';
import { type Result, resultSchema } from './report/result.ts';
import { measurementLines, verdictLines } from './report/table.ts';
import { judge } from './report/targets.ts';
import { SCENARIOS } from './scenarios/list.ts';
import type { Outcome, Settings } from './scenarios/scenario.ts';
import { settingsOf } from './settings.ts';

const ROOT = join(import.meta.dirname, '..');
const NAMES = SCENARIOS.map(({ name }) => name);

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  let options: Options;
  let earlier: Result | undefined;
  try {
    options = parseOptions(args, NAMES);
    earlier = options.compare === undefined ? undefined : readResult(options.compare);
  } catch (error) {
    process.stderr.write(`bench: ${error instanceof Error ? error.message : error}\n${USAGE}`);
    return 2;
  }
  if (options.isHelp) return print([USAGE.trimEnd()]);
  if (options.isList) return print(SCENARIOS.map(({ name, title }) => `${name}: ${title}`));
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => stop.abort());
  }
  try {
    const result = await measureAll(options, stop.signal);
    await saveResult(join(ROOT, 'bench/results'), options.name, result);
    return tell(result, { options, earlier });
  } catch (error) {
    // The programs of a terminal's own get its Ctrl-C, too: whatever fails then is no news.
    if (!stop.signal.aborted) throw error;
    process.stderr.write('bench: stopped, nothing was kept\n');
    return 1;
  }
}

function readResult(path: string): Result {
  return resultSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
}

async function measureAll(options: Options, stop: AbortSignal): Promise<Result> {
  const chosen = SCENARIOS.filter(({ name }) => options.only?.includes(name) ?? true);
  const settings = settingsOf(options);
  const generator = await chooseGenerator();
  const commit = await describeCommit(ROOT);
  const lab = await openLab();
  try {
    const outcomes: Outcome[] = [];
    for (const { run, title } of chosen) {
      stop.throwIfAborted();
      report(title);
      outcomes.push(await run({ lab, generator, settings, report, stop }));
    }
    const names = chosen.map(({ name }) => name);
    return toResult(outcomes, { lab, generator, settings, commit, names });
  } finally {
    await lab.close();
  }
}

/** Progress is no result: it goes to standard error. */
function report(line: string): void {
  process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${line}\n`);
}

async function toResult(
  outcomes: readonly Outcome[],
  facts: { lab: Lab; generator: Generator; settings: Settings; commit: string; names: string[] },
): Promise<Result> {
  const { lab, generator, settings, commit, names } = facts;
  const sustained = outcomes.map((outcome) => outcome.sustained).find((found) => found);
  const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as {
    version: string;
  };
  return {
    format: 1,
    takenAt: new Date().toISOString(),
    commit,
    machine: describeMachine(),
    versions: { counterfoil: version, node: process.versions.node, postgres: lab.postgres.version },
    settings: {
      isQuick: settings.isQuick,
      rounds: settings.rounds,
      secondsPerRound: settings.secondsPerRound,
      generator: generator.name,
      scenarios: names,
    },
    notes: [...new Set(outcomes.flatMap(({ notes }) => notes ?? []))],
    measurements: outcomes.flatMap(({ measurements }) => measurements),
    ...(sustained !== undefined && { sustained }),
  };
}

/** Prints everything, and says whether it is as it has to be. */
function tell(
  result: Result,
  { options, earlier }: { options: Options; earlier: Result | undefined },
): number {
  const verdicts = judge(result);
  print(measurementLines(result));
  print(['', ...verdictLines(verdicts)]);
  if (earlier !== undefined) print(['', ...changeLines(compareResults(earlier, result))]);
  const rounds = result.measurements.flatMap((measurement) => measurement.rounds);
  const failed = [...rounds, result.sustained].reduce(
    (sum, round) => sum + (round?.failed ?? 0),
    0,
  );
  if (failed > 0) print(['', `${failed} requests failed: the figures are of no use.`]);
  if (options.isQuick) {
    print(['', 'A quick run: too short to be judged by.']);
    return failed > 0 ? 1 : 0;
  }
  const open = verdicts.filter(({ value, isMet }) => value !== undefined && isMet === undefined);
  if (open.length > 0) {
    print(['', `–: ${open.length} not proven, for want of minutes, or of tokens (--tokens 10m).`]);
  }
  const short = verdicts.filter(({ isMet }) => isMet === false);
  if (short.length > 0) print(['', `${short.length} targets are not reached.`]);
  // What a whole run has not measured has not been reached, either.
  const missing = verdicts.filter(({ value }) => value === undefined && options.only === undefined);
  if (missing.length > 0) print(['', `${missing.length} targets were not measured.`]);
  return failed + short.length + missing.length > 0 ? 1 : 0;
}

function print(lines: readonly string[]): number {
  process.stdout.write(lines.map((line) => `${line}\n`).join(''));
  return 0;
}
