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
import { type Conditions, checkContinues, emptyResult, withOutcome } from './report/gather.ts';
import { describeCommit, describeMachine } from './report/machine.ts';
import { type Result, resultSchema } from './report/result.ts';
import { measurementLines, verdictLines } from './report/table.ts';
import { judge } from './report/targets.ts';
import { SCENARIOS } from './scenarios/list.ts';
import type { Settings } from './scenarios/scenario.ts';
import { settingsOf } from './settings.ts';

const ROOT = join(import.meta.dirname, '..');
const RESULTS = join(ROOT, 'bench/results');
const NAMES = SCENARIOS.map(({ name }) => name);

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  let options: Options;
  let earlier: Result | undefined;
  let begun: Result | undefined;
  try {
    options = parseOptions(args, NAMES);
    earlier = options.compare === undefined ? undefined : readResult(options.compare);
    if (options.isResumed) begun = readResult(join(RESULTS, `${options.name}.json`));
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
    const result = await measureAll({ options, begun }, stop.signal);
    return tell(result, { options, earlier });
  } catch (error) {
    process.stderr.write(
      'bench: ended early; --resume goes on after the scenarios that were finished\n',
    );
    // The programs of a terminal's own get its Ctrl-C, too: whatever fails then is no news.
    if (!stop.signal.aborted) throw error;
    return 1;
  }
}

function readResult(path: string): Result {
  return resultSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
}

/** Measures what was asked for, and keeps the result after each scenario. */
async function measureAll(
  { options, begun }: { options: Options; begun: Result | undefined },
  stop: AbortSignal,
): Promise<Result> {
  const settings = settingsOf(options);
  const generator = await chooseGenerator();
  const commit = await describeCommit(ROOT);
  const lab = await openLab();
  try {
    const conditions = await conditionsOf({ lab, generator, settings, commit });
    if (begun !== undefined) checkContinues(begun, conditions);
    let result = begun ?? emptyResult(conditions);
    for (const { name, run, title } of SCENARIOS) {
      if (!(options.only?.includes(name) ?? true)) continue;
      if (result.settings.scenarios.includes(name)) continue;
      stop.throwIfAborted();
      report(title);
      const outcome = await run({ lab, generator, settings, report, stop });
      result = withOutcome(result, name, outcome);
      await saveResult(RESULTS, options.name, result);
    }
    return result;
  } finally {
    await lab.close();
  }
}

/** Progress is no result: it goes to standard error. */
function report(line: string): void {
  process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${line}\n`);
}

async function conditionsOf(facts: {
  lab: Lab;
  generator: Generator;
  settings: Settings;
  commit: string;
}): Promise<Conditions> {
  const { lab, generator, settings, commit } = facts;
  const { isQuick, rounds, secondsPerRound } = settings;
  const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as {
    version: string;
  };
  return {
    commit,
    machine: describeMachine(),
    versions: { counterfoil: version, node: process.versions.node, postgres: lab.postgres.version },
    settings: {
      isQuick,
      rounds,
      secondsPerRound,
      generator: generator.name,
      postgres: lab.postgres.settings,
    },
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
