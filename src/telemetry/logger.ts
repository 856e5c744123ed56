import { type DestinationStream, pino } from 'pino';
import { describeError } from './describe-error.ts';

/** What a log line may carry beside its event name: short facts. Bodies, values and tokens are none. */
export type LogFields = { readonly [name: string]: string | number | boolean | undefined };

type Write = (event: string, fields?: LogFields & { error?: never }, error?: unknown) => void;

/**
 * The structured log. A line is an event name and facts, never a sentence: free text is where input
 * leaks. `error` goes out as class, code and stack frames; its message stays here.
 */
export type Logger = {
  debug: Write;
  info: Write;
  warn: Write;
  error: Write;
  /** A logger whose lines all carry `fields`. */
  child: (fields: LogFields) => Logger;
};

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

const PLACEHOLDER = '[redacted]';

/** Names that are secret wherever they stand, whatever the schemas say. */
const ALWAYS_SECRET = ['authorization', 'cookie', 'password', 'secret', 'privateKey', 'plaintext'];

/**
 * Makes the JSON logger. `redact` are field names that hold personal or secret data (the API derives
 * them from its schemas): a field of that name never leaves, even if a later line tries to log it.
 */
export function makeLogger(options: {
  level: LogLevel;
  redact: readonly string[];
  destination?: DestinationStream;
}): Logger {
  const names = [...new Set([...options.redact, ...ALWAYS_SECRET])];
  const target = pino(
    {
      level: options.level,
      base: { service: 'counterfoil' },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: names.flatMap((name) => [name, `*.${name}`]), censor: PLACEHOLDER },
    },
    options.destination ?? pino.destination({ dest: 1, sync: false }),
  );
  return wrap(target);
}

type Sink = {
  [level in 'debug' | 'info' | 'warn' | 'error']: (line: object) => void;
} & { child: (fields: object) => Sink };

function wrap(sink: Sink): Logger {
  const at =
    (level: 'debug' | 'info' | 'warn' | 'error'): Write =>
    (event, fields, error) =>
      sink[level]({
        event,
        ...fields,
        ...(error === undefined ? {} : { error: describeError(error) }),
      });
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => wrap(sink.child(fields)),
  };
}
