import type { Problem } from '../errors.ts';
import type { TokenDocument } from '../policy/document.ts';
import type { TokenMode } from '../policy/policy.ts';
import type { ValueType } from '../values/types.ts';
import type { TokenFormat } from './format.ts';
import { FORMAT_OPTIONS } from './format-row.ts';
import { FORMATS } from './formats.ts';

/**
 * The format that a field's `token` asks for, or what is wrong with it: mode, type and options that do
 * not fit the format, options that it needs, too little left for FF1 after kept characters. `path` is
 * that of `token`. Without a type (it has problems of its own) there is no format.
 */
export function parseFormat(input: {
  token: TokenDocument;
  type: ValueType | undefined;
  mode: TokenMode;
  path: string;
}): { format?: TokenFormat; problems: Problem[] } {
  const { token, type, mode, path } = input;
  const row = FORMATS[token.format];
  const problems: Problem[] = [];
  if (!row.modes.includes(mode)) {
    const formats = Object.entries(FORMATS).filter(([, { modes }]) => modes.includes(mode));
    const hint = `mode ${mode} takes ${formats.map(([kind]) => kind).join(', ')}`;
    problems.push({ path: `${path}.format`, rule: 'format_unfit', hint });
  }
  if (type !== undefined && !row.types.includes(type.kind)) {
    const hint = `only for values of type ${row.types.join(', ')}`;
    problems.push({ path: `${path}.format`, rule: 'format_unfit', hint });
  }
  for (const option of FORMAT_OPTIONS) {
    if (token[option] !== undefined && !row.options.includes(option)) {
      const hint = `format ${token.format} has no such option`;
      problems.push({ path: `${path}.${option}`, rule: 'option_unfit', hint });
    }
  }
  if (type === undefined || problems.length > 0) {
    return { problems };
  }
  const result = row.make({ token, type, mode });
  if ('format' in result) {
    return { format: result.format, problems };
  }
  return {
    problems: result.problems.map((problem) => ({
      ...problem,
      path: problem.path === '' ? path : `${path}.${problem.path}`,
    })),
  };
}
