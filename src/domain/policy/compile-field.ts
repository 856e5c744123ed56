import { parseDuration } from '../duration.ts';
import type { Problem } from '../errors.ts';
import { type Mask, parseMask } from '../masks/masks.ts';
import type { TokenFormat } from '../tokens/format.ts';
import { parseFormat } from '../tokens/parse-format.ts';
import { countValues, parseValueType, type ValueType } from '../values/types.ts';
import {
  type FieldDocument,
  fieldSchema,
  LIMITS,
  type TokenDocument,
  tokenSchema,
} from './document.ts';
import type { Field } from './policy.ts';
import { findAbsent, isRecord, joinPath, readNamed, readPart } from './read.ts';

/** Where fewer values exist, equality of tokens gives the value away: all of them can be tried. */
const MIN_VALUES = 1_000_000;

/** DESIGN §6: a card's verification code must not outlive its authorization. */
const MAX_VOLATILE_MS = 3_600_000;

/** What PCI DSS (3.4.1) lets a display of a card number show. */
const CARD_SHOWS = { first: 6, last: 4 } as const;

/** Compiles one field; what is wrong with it joins `problems`, and then the answer is meaningless. */
export function compileField({
  name,
  input,
  problems,
}: {
  name: string;
  input: unknown;
  problems: Problem[];
}): Field | undefined {
  const path = joinPath('fields', [name]);
  const part = readPart(fieldSchema, { input, path, problems });
  problems.push(...findAbsent(input, ['class', 'type'], path));
  if (part === undefined) {
    return undefined;
  }
  const type = compileType(part, { path, problems });
  const views = compileViews(part, { path, problems, type });
  problems.push(...checkToken(part, type, path), ...checkScope(input, part, path));
  const format = compileFormat(input, part, { path, problems, type });
  if (part.class === undefined || type === undefined || format === undefined) {
    return undefined;
  }
  const { mode, scope } = part.token;
  const { ttl, maxReveals } = part.retention;
  const ttlMs = ttl === undefined ? undefined : parseDuration(ttl);
  return {
    name,
    class: part.class,
    type,
    maxBytes: part.maxBytes,
    token: { mode, format },
    views,
    ...(ttlMs !== undefined && { ttlMs }),
    ...(maxReveals !== undefined && { maxReveals }),
    scope,
  };
}

type Place = { path: string; problems: Problem[] };

function compileType(part: FieldDocument, { path, problems }: Place): ValueType | undefined {
  if (part.type === undefined) {
    return undefined;
  }
  const parsed = parseValueType({ ...part, type: part.type }, path);
  problems.push(...parsed.problems);
  return parsed.type;
}

/** Members that are not as written say nothing of how the rest fits together. */
function compileFormat(
  input: unknown,
  { token }: FieldDocument,
  { path, problems, type }: Place & { type: ValueType | undefined },
): TokenFormat | undefined {
  if (isFaulty(input, token)) {
    return undefined;
  }
  const parsed = parseFormat({ token, type, mode: token.mode, path: `${path}.token` });
  problems.push(...parsed.problems);
  return parsed.format;
}

/** True when a member of `token` was put aside, or all of it. Unknown members are none. */
function isFaulty(input: unknown, token: TokenDocument): boolean {
  const written = isRecord(input) ? input['token'] : undefined;
  const keys = Object.keys(tokenSchema.shape) as (keyof TokenDocument)[];
  return isRecord(written)
    ? keys.some((key) => written[key] !== undefined && written[key] !== token[key])
    : written !== undefined;
}

function compileViews(
  part: FieldDocument,
  { path, problems, type }: Place & { type: ValueType | undefined },
): Map<string, Mask> {
  const views = new Map<string, Mask>();
  const at = `${path}.views`;
  for (const [name, input] of readNamed({
    input: part.views,
    path: at,
    max: LIMITS.views,
    problems,
  })) {
    const viewPath = joinPath(at, [name]);
    if (name === 'full') {
      problems.push({
        path: viewPath,
        rule: 'name_reserved',
        hint: 'full is always the whole value',
      });
    }
    // Without a type the shape of the mask can still be checked, but not whether it fits.
    const parsed = parseMask(input, type ?? { kind: 'text' }, viewPath);
    problems.push(
      ...parsed.problems.filter(({ rule }) => type !== undefined || rule !== 'mask_unfit'),
    );
    if (parsed.mask !== undefined) {
      problems.push(...checkCardMask(parsed.mask, type, viewPath));
      views.set(name, parsed.mask);
    }
  }
  return views;
}

function checkCardMask(mask: Mask, type: ValueType | undefined, path: string): Problem[] {
  if (type?.kind !== 'card' || mask.kind !== 'keep') {
    return [];
  }
  return (['first', 'last'] as const)
    .filter((end) => mask[end] > CARD_SHOWS[end])
    .map((end) => ({
      path: joinPath(path, [end]),
      rule: 'card_mask_too_open',
      hint: `at most the first ${CARD_SHOWS.first} and last ${CARD_SHOWS.last} digits`,
    }));
}

/** How mode, value and retention fit together. */
function checkToken(part: FieldDocument, type: ValueType | undefined, path: string): Problem[] {
  const { mode } = part.token;
  const problems: Problem[] = [];
  const isDeterministic = mode === 'deterministic' || mode === 'siv';
  const isVaultless = mode === 'fpe' || mode === 'siv';
  if (isDeterministic && type !== undefined && countValues(type) < MIN_VALUES) {
    const hint = `at least ${MIN_VALUES.toLocaleString('en')} values`;
    problems.push({ path: `${path}.token.mode`, rule: 'values_too_few', hint });
  }
  if (isVaultless && Object.keys(part.retention).length > 0) {
    const hint = 'nothing of this field is stored, so nothing of it can expire';
    problems.push({ path: `${path}.retention`, rule: 'retention_unfit', hint });
  }
  if (mode === 'volatile' && (parseDuration(part.retention.ttl ?? '1h') ?? 0) > MAX_VOLATILE_MS) {
    const hint = 'volatile values are kept for at most 1h';
    problems.push({ path: `${path}.retention.ttl`, rule: 'retention_unfit', hint });
  }
  return problems;
}

const RANDOM_HINT = 'random tokens are never equal, whatever the scope';
/** Nothing says whose token it is: in another caller's hands it would open to nothing, under FF1 to nonsense. */
const VAULTLESS_HINT = 'a token that is not stored cannot be of one caller or subject';
const SCOPE_HINTS = {
  random: RANDOM_HINT,
  volatile: RANDOM_HINT,
  fpe: VAULTLESS_HINT,
  siv: VAULTLESS_HINT,
} as const;

/** Judged only if the mode is as written: a misspelt one says nothing about the scope. */
function checkScope(input: unknown, { token }: FieldDocument, path: string): Problem[] {
  const written = isRecord(input) && isRecord(input['token']) ? input['token']['mode'] : undefined;
  const isFaulty = written !== undefined && written !== token.mode;
  return token.scope !== 'vault' && token.mode !== 'deterministic' && !isFaulty
    ? [{ path: `${path}.token.scope`, rule: 'scope_unfit', hint: SCOPE_HINTS[token.mode] }]
    : [];
}
