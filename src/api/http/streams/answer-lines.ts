import { type ErrorCode, VaultError } from '../../../domain/errors.ts';
import type { ItemError } from '../../../operations/operation.ts';
import { itemError } from '../../../operations/steps/batch.ts';

/**
 * The answer as NDJSON, a text for each window. `serialize` is the allow-list of what may leave: a line that
 * does not fit it is `internal`, and says nothing of itself. When the request was left before its end, the
 * last line says why, in place of the answer to the first line that was not read.
 */
export async function* answerLines<Line>(
  windows: AsyncIterable<readonly Line[]>,
  serialize: (line: Line | ItemError) => string,
  endedBy: () => ErrorCode | undefined,
): AsyncGenerator<string, void, void> {
  const write = (line: Line | ItemError): string => {
    try {
      return `${serialize(line)}\n`;
    } catch {
      return `${serialize(itemError(new VaultError('internal')))}\n`;
    }
  };
  for await (const lines of windows) {
    yield lines.map(write).join('');
  }
  const code = endedBy();
  if (code !== undefined) yield write(itemError(new VaultError(code)));
}
