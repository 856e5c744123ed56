import { parseArgs } from 'node:util';
import { type Arguments, type Command, type Context, UsageError } from './command.ts';
import { auditErase } from './commands/audit-erase.ts';
import { auditExport } from './commands/audit-export.ts';
import { auditFsck } from './commands/audit-fsck.ts';
import { auditKey } from './commands/audit-key.ts';
import { auditPrune } from './commands/audit-prune.ts';
import { auditSearch } from './commands/audit-search.ts';
import { auditTail } from './commands/audit-tail.ts';
import { auditVerify } from './commands/audit-verify.ts';
import { detokenize } from './commands/detokenize.ts';
import { dev } from './commands/dev.ts';
import { devToken } from './commands/dev-token.ts';
import { exportVault } from './commands/export.ts';
import { exportKey } from './commands/export-key.ts';
import { keyring } from './commands/keyring.ts';
import { migrate } from './commands/migrate.ts';
import { policyLint } from './commands/policy-lint.ts';
import { restore } from './commands/restore.ts';
import { serve } from './commands/serve.ts';
import { tokenize } from './commands/tokenize.ts';
import { vaultStats } from './commands/vault-stats.ts';
import { describeFailure } from './report-failure.ts';

/** By name; a name may have two words. */
const COMMANDS: ReadonlyMap<string, Command> = new Map(
  Object.entries({
    dev,
    serve,
    migrate,
    keyring,
    tokenize,
    detokenize,
    'policy lint': policyLint,
    'vault stats': vaultStats,
    export: exportVault,
    restore,
    'export-key': exportKey,
    'audit tail': auditTail,
    'audit key': auditKey,
    'audit search': auditSearch,
    'audit export': auditExport,
    'audit erase': auditErase,
    'audit prune': auditPrune,
    'audit verify': auditVerify,
    'audit fsck': auditFsck,
    'dev-token': devToken,
  }),
);

const COMMON = { help: { type: 'boolean', short: 'h' }, json: { type: 'boolean' } } as const;

/** Exit codes: all is well; a check or the command failed; the command line makes no sense. */
const EXIT = { ok: 0, failed: 1, usage: 2 } as const;

/** Runs one command line (without program and script) and gives back the exit code. */
export async function runCli(args: readonly string[], context: Context): Promise<number> {
  const [name = '', ...rest] = args;
  if (name === '--help' || name === '-h') {
    context.out(renderHelp());
    return EXIT.ok;
  }
  try {
    const wellDone = await runCommand(name, rest, context);
    return wellDone ? EXIT.ok : EXIT.failed;
  } catch (error) {
    context.err(renderFailure(describeFailure(error), rest.includes('--json')));
    return error instanceof UsageError ? EXIT.usage : EXIT.failed;
  }
}

async function runCommand(name: string, rest: readonly string[], context: Context) {
  const [second = '', ...others] = rest;
  const long = COMMANDS.get(`${name} ${second}`);
  if (long !== undefined) {
    return runParsed(`${name} ${second}`, long, others, context);
  }
  const command = COMMANDS.get(name);
  const isHelp = second === '--help' || second === '-h';
  if (command === undefined && isHelp && isGroup(name)) {
    context.out(renderHelp(`${name} `));
    return true;
  }
  if (command === undefined) {
    throw new UsageError(`${complaint(name, second)}, try: counterfoil --help`);
  }
  return runParsed(name, command, rest, context);
}

function complaint(name: string, second: string): string {
  if (name === '') return 'a command is missing';
  return `there is no command ${isGroup(name) ? `${name} ${second}`.trimEnd() : name}`;
}

/** True for the first word of commands that have two. */
function isGroup(name: string): boolean {
  return [...COMMANDS.keys()].some((known) => known.startsWith(`${name} `));
}

async function runParsed(
  name: string,
  command: Command,
  rest: readonly string[],
  context: Context,
) {
  const parsed = parse(command, rest);
  if (parsed.values['help'] === true) {
    context.out(renderCommandHelp(name, command));
    return true;
  }
  return command.run(context, parsed);
}

function parse(command: Command, rest: readonly string[]): Arguments {
  try {
    const { values, positionals } = parseArgs({
      args: [...rest],
      options: { ...command.options, ...COMMON },
      allowPositionals: true,
      strict: true,
    });
    if (command.usage === '' && positionals.length > 0) {
      throw new UsageError(`unexpected word ${positionals[0]}`);
    }
    return { values, words: positionals };
  } catch (error) {
    if (error instanceof UsageError) throw error;
    // Node's own text names the option, and explains at length how else to write it.
    const [first = ''] = (error instanceof Error ? error.message : '').split('. ');
    throw new UsageError(first, { cause: error });
  }
}

function renderFailure(lines: readonly string[], json: boolean): string {
  return json
    ? `${JSON.stringify({ error: lines.join('\n') })}\n`
    : `counterfoil: ${lines.join('\n')}\n`;
}

/** All commands, or those whose names begin so. */
function renderHelp(prefix = ''): string {
  const shown = [...COMMANDS].filter(([name]) => name.startsWith(prefix));
  const width = Math.max(...shown.map(([name, { usage }]) => `${name} ${usage}`.length));
  return [
    'counterfoil: a tokenization vault',
    '',
    'Usage: counterfoil COMMAND [options]',
    '',
    ...shown.map(
      ([name, { usage, summary }]) => `  ${`${name} ${usage}`.padEnd(width)}  ${summary}`,
    ),
    '',
    'Every command takes --help and --json. Exit codes: 0 ok, 1 failed, 2 wrong usage.',
    '',
  ].join('\n');
}

function renderCommandHelp(name: string, { usage, summary, help }: Command): string {
  return [
    summary,
    '',
    `Usage: counterfoil ${[name, usage].filter(Boolean).join(' ')} [options]`,
    '',
    ...help.map((line) => `  ${line}`),
    '  --json      print JSON',
    '',
  ].join('\n');
}
