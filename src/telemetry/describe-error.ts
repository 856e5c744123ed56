/** An error as the log shows it. */
export type ErrorFacts = { name: string; code?: string; at?: string[]; cause?: ErrorFacts };

const MAX_CAUSES = 4;
const MAX_FRAMES = 6;
const SAFE_NAME = /^[A-Za-z0-9_.]{1,64}$/;

/**
 * Reduces an error to what cannot carry input: class name, code and stack frames, for it and up to four
 * causes. Messages are dropped, because drivers and parsers quote what they were given (a Postgres
 * `detail` holds the row, a JSON error the text).
 */
export function describeError(error: unknown, depth = 0): ErrorFacts {
  if (!(error instanceof Error)) {
    return { name: typeof error };
  }
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const frames = framesOf(error);
  return {
    name: SAFE_NAME.test(error.name) ? error.name : 'Error',
    ...(SAFE_NAME.test(code) ? { code } : {}),
    ...(frames.length > 0 ? { at: frames } : {}),
    ...(error.cause !== undefined && depth < MAX_CAUSES
      ? { cause: describeError(error.cause, depth + 1) }
      : {}),
  };
}

/**
 * The frames below the message. A stack starts with the message, which may itself hold lines that look
 * like frames; when it is not found word for word, nothing is shown.
 */
function framesOf(error: Error): string[] {
  const stack = typeof error.stack === 'string' ? error.stack : '';
  const start = stack.indexOf(error.message);
  if (start === -1 || start > 100) {
    return [];
  }
  return stack
    .slice(start + error.message.length)
    .split('\n')
    .filter((line) => line.startsWith('    at '))
    .slice(0, MAX_FRAMES)
    .map((line) => line.slice(7));
}
