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

/** Where lines go. `flush` asks for what is kept back to be written now. */
type Destination = DestinationStream & { flush?: () => void };

const PLACEHOLDER = '[redacted]';

/** Names that are secret wherever they stand, whatever the schemas say. */
const ALWAYS_SECRET = ['authorization', 'cookie', 'password', 'secret', 'privateKey', 'plaintext'];

/**
 * Lines are handed to the system in blocks, each a write on another thread, which has to be woken: one for
 * fifty requests costs each some 2 µs less than one for a dozen. What does not fill a block leaves within
 * `FLUSH_MS`, at the next warning or error, and at the end of the process (pino's exit handler).
 */
const BLOCKS = { minLength: 12 * 1024, maxWrite: 16 * 1024 };
const FLUSH_MS = 100;

/** What may wait for a standard output that nobody reads; lines beyond it are lost, as memory is worth more. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024;

/** Up to 4096 bytes a write to a pipe is whole (PIPE_BUF): lines of several processes do not mix. */
const SHARED_BLOCKS = { minLength: 3 * 1024, maxWrite: 4 * 1024 };

/**
 * Makes the JSON logger. `redact` are field names that hold personal or secret data (the API derives
 * them from its schemas): a field of that name never leaves, even if a later line tries to log it.
 */
export function makeLogger(options: {
  level: LogLevel;
  redact: readonly string[];
  /** True when other processes write to the same standard output. */
  isShared?: boolean;
  /** Standard output by default. */
  destination?: Destination;
}): Logger {
  const stream = options.destination ?? makeStandardOutput(options.isShared ?? false);
  const sink = pino(
    {
      level: options.level,
      base: { service: 'counterfoil' },
      timestamp: makeTimestamp(),
      formatters: { level: (label) => ({ level: label }) },
    },
    stream,
  );
  const clean = makeRedaction(new Set([...options.redact, ...ALWAYS_SECRET]));
  return wrap(sink, { clean, flush: () => stream.flush?.() });
}

function makeStandardOutput(isShared: boolean): Destination {
  const blocks = isShared ? SHARED_BLOCKS : BLOCKS;
  return pino.destination({
    dest: 1,
    sync: false,
    ...blocks,
    periodicFlush: FLUSH_MS,
    maxLength: MAX_WAITING_BYTES,
  });
}

/** As pino's own `isoTime`, made once for all lines of a millisecond. */
function makeTimestamp(): () => string {
  let madeForMs = Number.NaN;
  let member = '';
  return () => {
    const nowMs = Date.now();
    if (nowMs !== madeForMs) {
      madeForMs = nowMs;
      member = `,"time":"${new Date(nowMs).toISOString()}"`;
    }
    return member;
  };
}

/** What is added to a line under construction: nothing secret is in it afterwards. */
type Redaction = (line: Record<string, unknown>, fields: LogFields) => Record<string, unknown>;

/**
 * Copies fields into a line, without the content of what has a secret name. In place of pino's `redact`,
 * which walks all its paths anew for every line: 8 % of the CPU of a reveal. Its paths also looked into
 * objects; by type there are none, and one that came all the same is withheld as a whole.
 */
function makeRedaction(secretNames: ReadonlySet<string>): Redaction {
  return (line, fields) => {
    for (const name of Object.keys(fields)) {
      const value = fields[name];
      const isFact = typeof value !== 'object' || value === null;
      line[name] = isFact && !secretNames.has(name) ? value : PLACEHOLDER;
    }
    return line;
  };
}

type Sink = {
  [level in 'debug' | 'info' | 'warn' | 'error']: (line: object) => void;
} & { child: (fields: object) => Sink; isLevelEnabled: (level: string) => boolean };

type Way = { clean: Redaction; flush: () => void };

function wrap(sink: Sink, way: Way): Logger {
  const at = (level: 'debug' | 'info' | 'warn' | 'error'): Write => {
    if (!sink.isLevelEnabled(level)) return () => undefined;
    const isUrgent = level === 'warn' || level === 'error';
    return (event, fields, error) => {
      const line = way.clean({ event }, fields ?? {});
      if (error !== undefined) line['error'] = describeError(error);
      sink[level](line);
      if (isUrgent) way.flush();
    };
  };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => wrap(sink.child(way.clean({}, fields)), way),
  };
}
