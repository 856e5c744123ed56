import { type Arguments, textOf } from './command.ts';
import { parseTime } from './parse-time.ts';

/** The options `--from` and `--to` as the service wants them (RFC 3339). Throws a `UsageError`. */
export function periodOf(args: Arguments): { from?: string; to?: string } {
  const times = ['from', 'to'].flatMap((name) => {
    const value = textOf(args, name);
    return value === undefined
      ? []
      : [[name, new Date(parseTime(`--${name}`, value)).toISOString()]];
  });
  return Object.fromEntries(times) as { from?: string; to?: string };
}
