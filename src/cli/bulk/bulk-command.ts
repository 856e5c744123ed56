import { resolve } from 'node:path';
import { loadConfig } from '../../config/load-config.ts';
import { VaultError } from '../../domain/errors.ts';
import { openClient } from '../client.ts';
import { type Arguments, type Command, type Context, textOf, UsageError } from '../command.ts';
import { csvFormat } from './csv.ts';
import { findInput } from './input.ts';
import { ndjsonFormat } from './ndjson.ts';
import type { RecordFormat } from './record.ts';
import { type BulkCall, type BulkJob, type BulkResult, runBulk } from './run-bulk.ts';

/** A place of each record, and the field that its value is of. */
export type Target = { field: string; name: string };

/** What the two commands do not share. */
type Spec = {
  summary: string;
  /** Of the service that runs with dev. */
  devRole: string;
  options: Command['options'];
  help: readonly string[];
  /** Lines at the end of the help. */
  notes?: readonly string[];
  /** The column or path of each record that names the person, if any. */
  subjectOf: (args: Arguments) => string | undefined;
  callOf: (vault: string, targets: readonly Target[], args: Arguments) => BulkCall;
};

const MAX_PARALLEL = 16;

const OPTIONS: Command['options'] = {
  vault: { type: 'string' },
  field: { type: 'string', multiple: true },
  in: { type: 'string' },
  out: { type: 'string' },
  failures: { type: 'string' },
  ndjson: { type: 'boolean' },
  delimiter: { type: 'string' },
  parallel: { type: 'string' },
  role: { type: 'string' },
};

const HELP = [
  '--vault V          the vault',
  '--field F[=NAME]   swap the column NAME (default: F), with --ndjson the path NAME (customer.email); repeatable',
  '--in FILE          the input (default: standard input)',
  '--out FILE         the output: it appears when it is complete. Killed half-way, the same command goes on. Without',
  '                   it, records go to standard output, and nothing can be taken up again',
  '--failures FILE    records that fail go here, by number, place and error, and stay out of the output; without it',
  '                   the first one ends the run',
  '--ndjson           one JSON object a line (default: a table with a header, CSV)',
  "--delimiter D      between the cells of a table (default: ','; 'tab')",
  `--parallel N       requests at once, 1 to ${MAX_PARALLEL} (default: 4)`,
] as const;

/** A command that swaps places of all records of a file. */
export function bulkCommand(spec: Spec): Command {
  return {
    usage: '',
    summary: spec.summary,
    options: { ...OPTIONS, ...spec.options },
    help: [
      ...HELP,
      ...spec.help,
      `--role R           role at the service that runs with dev (default: ${spec.devRole})`,
      'Asks the service at COUNTERFOIL_URL with COUNTERFOIL_TOKEN, else the one that runs with dev: there, for any',
      'vault but demo, COUNTERFOIL_TOKEN must be one of counterfoil dev-token.',
      'Empty cells and absent members stay as they are.',
      ...(spec.notes ?? []),
    ],
    run: (context, args) => run(spec, context, args),
  };
}

async function run(spec: Spec, context: Context, args: Arguments): Promise<boolean> {
  const job = await readJob(spec, args);
  const client = await openClient(
    loadConfig(context.env, 'client'),
    textOf(args, 'role') ?? spec.devRole,
  );
  const { stop } = context.catchSignals();
  const startedMs = performance.now();
  const result = await runBulk(job, {
    client,
    stop,
    print: context.out,
    showProgress: context.draw,
  }).catch((error: unknown) => {
    throw stop.aborted ? stopped(job, error) : error;
  });
  report(context, { job, args, result, seconds: (performance.now() - startedMs) / 1000 });
  return true;
}

function stopped({ outputPath }: BulkJob, cause: unknown): Error {
  const hint = outputPath === undefined ? '' : ': the same command goes on from here';
  return new VaultError('internal', { cause, detail: `Stopped${hint}.` });
}

/** On standard error where the records went to standard output. */
function report(
  context: Context,
  input: { job: BulkJob; args: Arguments; result: BulkResult; seconds: number },
): void {
  const { job, args, result, seconds } = input;
  const { records, failed, resumedAt } = result;
  const print = job.outputPath === undefined ? context.err : context.out;
  if (args.values['json'] === true) {
    print(`${JSON.stringify({ ...result, seconds: Math.round(seconds * 1000) / 1000 })}\n`);
    return;
  }
  const rate = Math.round((records - resumedAt) / Math.max(seconds, 0.001));
  const resumed = resumedAt === 0 ? '' : `, ${resumedAt} of them by earlier runs`;
  const left = failed === 0 ? '' : `; ${failed} failed and stand in ${job.failuresPath}`;
  print(`${records} records${resumed} (${rate} a second)${left}\n`);
}

async function readJob(spec: Spec, args: Arguments): Promise<BulkJob> {
  const vault = textOf(args, 'vault');
  if (vault === undefined || vault === '') throw new UsageError('--vault is required');
  const targets = readTargets(args);
  const subject = spec.subjectOf(args);
  const names = [...targets.map(({ name }) => name), ...(subject === undefined ? [] : [subject])];
  const path = pathOf(args, 'in');
  const outputPath = pathOf(args, 'out');
  const failuresPath = pathOf(args, 'failures');
  if (failuresPath !== undefined && outputPath === undefined) {
    throw new UsageError('--failures needs --out');
  }
  const { parallel: _, json: __, out: ___, role: ____, failures: _____, ...identity } = args.values;
  return {
    call: spec.callOf(vault, targets, args),
    format: readFormat(args, names),
    names,
    swapped: targets.length,
    input: await findInput(path),
    outputPath,
    failuresPath,
    parallel: readParallel(args),
    identity: JSON.stringify({ ...identity, path }),
  };
}

function readTargets({ values }: Arguments): Target[] {
  const given = values['field'];
  const targets = (Array.isArray(given) ? given : []).map(String).map((text) => {
    const at = text.indexOf('=');
    return at === -1
      ? { field: text, name: text }
      : { field: text.slice(0, at), name: text.slice(at + 1) };
  });
  if (targets.length === 0) throw new UsageError('--field is required');
  const names = targets.map(({ name }) => name);
  if (new Set(names).size < names.length) {
    throw new UsageError('one column or path can be of one field only');
  }
  return targets;
}

function readFormat(args: Arguments, names: readonly string[]): RecordFormat {
  const given = textOf(args, 'delimiter');
  if (args.values['ndjson'] === true) {
    if (given !== undefined) throw new UsageError('--delimiter makes no sense with --ndjson');
    return ndjsonFormat({ paths: names });
  }
  const delimiter = given === 'tab' ? '\t' : (given ?? ',');
  if (delimiter.length !== 1 || /["\r\n]/.test(delimiter)) {
    throw new UsageError('--delimiter is one character, or tab');
  }
  return csvFormat({ columns: names, delimiter });
}

function readParallel(args: Arguments): number {
  const text = textOf(args, 'parallel') ?? '4';
  const parallel = /^\d{1,2}$/.test(text) ? Number(text) : 0;
  if (parallel < 1 || parallel > MAX_PARALLEL) {
    throw new UsageError(`--parallel must be a number from 1 to ${MAX_PARALLEL}`);
  }
  return parallel;
}

function pathOf(args: Arguments, name: string): string | undefined {
  const text = textOf(args, name);
  if (text === '') throw new UsageError(`--${name} needs a file`);
  return text === undefined ? undefined : resolve(text);
}
