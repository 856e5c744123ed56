import type { Readable } from 'node:stream';
import { type ErrorCode, VaultError } from '../../../domain/errors.ts';
import { parseStrictJson } from '../../../domain/json.ts';
import type { StreamItem } from '../../../operations/operation.ts';
import { toVaultError } from '../failure.ts';
import { makeArrivals } from './arrivals.ts';
import { type Line, makeLineSplitter } from './split-lines.ts';

/** Lines that an operation gets at a time: what has arrived, at most so many. */
const WINDOW_LINES = 500;

/** The lines of a request, for an operation. */
export type LineSource<Input> = {
  windows: AsyncIterable<readonly StreamItem<Input>[]>;
  /** Why no more lines were taken, when that was not the end of the request. */
  endedBy(): ErrorCode | undefined;
};

/**
 * Reads NDJSON: each line is parsed and checked exactly as the body of the single call. A line that is no
 * such body, an empty or over-long one included, is an item of its own that says so, and the next line is
 * read. Reading ends early, between two windows, when the service drains (`overloaded`) or the
 * credential does not hold any more (`unauthenticated`).
 */
export function makeLineSource<Input>(deps: {
  body: Readable;
  maxLineBytes: number;
  /** True for what fits the schema of a line. */
  validate: (value: unknown) => boolean;
  draining: AbortSignal;
  /** Whether the credential that began the stream is still good. */
  holds: () => Promise<boolean>;
}): LineSource<Input> {
  const { draining } = deps;
  const read = (line: Line) => readLine<Input>(line, deps.validate);
  let endedBy: ErrorCode | undefined;
  const mayGoOn = async () => {
    if (draining.aborted) endedBy = 'overloaded';
    else if (!(await deps.holds())) endedBy = 'unauthenticated';
    return endedBy === undefined;
  };
  async function* windows() {
    const arrivals = makeArrivals(deps.body, draining);
    try {
      for await (const lines of linesOf(arrivals, deps.maxLineBytes)) {
        for (let at = 0; at < lines.length; at += WINDOW_LINES) {
          if (!(await mayGoOn())) return;
          yield lines.slice(at, at + WINDOW_LINES).map(read);
        }
      }
      if (!arrivals.isComplete()) endedBy = 'overloaded';
    } finally {
      arrivals.stop();
    }
  }
  return { windows: windows(), endedBy: () => endedBy };
}

/** Complete lines as they arrive, the last one with or without its newline. */
async function* linesOf(
  arrivals: ReturnType<typeof makeArrivals>,
  maxLineBytes: number,
): AsyncGenerator<Line[], void, void> {
  const splitter = makeLineSplitter(maxLineBytes);
  for (let bytes = await arrivals.next(); bytes !== undefined; bytes = await arrivals.next()) {
    yield splitter.split(bytes);
  }
  yield splitter.rest();
}

function readLine<Input>(line: Line, validate: (value: unknown) => boolean): StreamItem<Input> {
  if (line === 'too_long') return { failure: new VaultError('payload_too_large') };
  try {
    const value = parseStrictJson(line);
    return validate(value)
      ? { input: value as Input }
      : { failure: new VaultError('invalid_request') };
  } catch (error) {
    return { failure: toVaultError(error) };
  }
}
