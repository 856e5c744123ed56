import { RE2JS } from 're2js';

const MAX_SOURCE_LENGTH = 1000;
/** RE2 instructions. Matching costs at most instructions × characters: this bounds the factor. */
const MAX_PROGRAM_SIZE = 4000;

/**
 * Compiles a pattern of the policy (RE2 syntax) to a test of the whole text, in time linear in the
 * text whatever the pattern. `undefined` when the syntax is wrong or the pattern is too large; never
 * throws. The `$` before a final newline of other engines does not exist here.
 */
export function compilePattern(source: string): ((text: string) => boolean) | undefined {
  if (source.length > MAX_SOURCE_LENGTH || !source.isWellFormed()) {
    return undefined;
  }
  try {
    const compiled = RE2JS.compile(source);
    return compiled.programSize() > MAX_PROGRAM_SIZE
      ? undefined
      : (text) => compiled.testExact(text);
  } catch {
    return undefined;
  }
}
