import { parseArgs } from 'node:util';
import { type Arguments, type Command, type Context, UsageError } from './command.ts';
import { audit } from './commands/audit.ts';
import { dev } from './commands/dev.ts';
import { devToken } from './commands/dev-token.ts';
import { keyring } from './commands/keyring.ts';
import { migrate } from './commands/migrate.ts';
import { serve } from './commands/serve.ts';
import { describeFailure } from './report-failure.ts';

const COMMANDS: ReadonlyMap<string, Command> = new Map(
  Object.entries({ dev, serve, migrate, keyring, audit, 'dev-token': devToken }),
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
  const command = COMMANDS.get(name);
  if (command === undefined) {
    const what = name === '' ? 'a command is missing' : `there is no command ${name}`;
    throw new UsageError(`${what}, try: counterfoil --help`);
  }
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

function renderHelp(): string {
  const width = Math.max(...[...COMMANDS].map(([name, { usage }]) => `${name} ${usage}`.length));
  return [
    'counterfoil: a tokenization vault',
    '',
    'Usage: counterfoil COMMAND [options]',
    '',
    ...[...COMMANDS].map(
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
