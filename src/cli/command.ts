import type { ParseArgsOptionsConfig } from 'node:util';
import type { StopSignals } from '../app/stop-signals.ts';
import type { Environment } from '../config/load-config.ts';

/** What a command has to do with the world. */
export type Context = {
  env: Environment;
  /** Writes to standard output. */
  out: (text: string) => void;
  /** Writes to standard error. */
  err: (text: string) => void;
  /** Draws on the terminal, if standard error is one. */
  draw?: (text: string) => void;
  /** Reads standard input to its end. */
  input: () => Promise<string>;
  /** From here on, signals ask the command to end instead of ending the process. */
  catchSignals: () => StopSignals;
};

/** Options as given, and words that are no options. */
export type Arguments = {
  values: Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>;
  words: readonly string[];
};

export type Command = {
  /** Words after the name: `PATH`, or a subcommand. */
  usage: string;
  /** One line. */
  summary: string;
  /** Beside `--help` and `--json`, which all commands have. */
  options: ParseArgsOptionsConfig;
  /** One line per option. */
  help: readonly string[];
  /** Resolves to whether all is well. Rejects with a `UsageError` or with one line for the operator. */
  run: (context: Context, args: Arguments) => Promise<boolean>;
};

/** The command line makes no sense; the message says which part of it. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The value of an option that takes text. */
export function textOf(args: Arguments, name: string): string | undefined {
  const value = args.values[name];
  return typeof value === 'string' ? value : undefined;
}
