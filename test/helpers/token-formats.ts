import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { tokenSchema } from '../../src/domain/policy/document.ts';
import type { TokenFormat } from '../../src/domain/tokens/format.ts';
import { parseFormat } from '../../src/domain/tokens/parse-format.ts';
import { parseValueType } from '../../src/domain/values/types.ts';

export const random = (bytes: number): Uint8Array => randomBytes(bytes);

type TypeOptions = Parameters<typeof parseValueType>[0];

/** What the policy linter says of a `token` on a field of that type: its format, or `path rule`. */
export function lintFormat(
  token: Record<string, unknown>,
  type: TypeOptions,
): { format?: TokenFormat; problems: string[] } {
  const document = tokenSchema.parse(token);
  const parsed = parseFormat({
    token: document,
    type: parseValueType(type, 'f').type,
    mode: document.mode,
    path: 'token',
  });
  return { ...parsed, problems: parsed.problems.map(({ path, rule }) => `${path} ${rule}`) };
}

/** A format that the linter accepts. */
export function formatOf(token: Record<string, unknown>, type: TypeOptions): TokenFormat {
  const { format, problems } = lintFormat(token, type);
  assert.deepEqual(problems, []);
  assert(format !== undefined);
  return format;
}

/** A token of a value, which must exist. */
export function drawToken(format: TokenFormat, value: string, shard?: number): string {
  const token = format.spaceOf(value).draw(random, shard);
  assert(token !== undefined);
  assert(format.matches(token), 'a token has the form of its format');
  return token;
}
