import { parseDuration } from '../duration.ts';
import type { Problem } from '../errors.ts';
import { isBuiltMask, type Mask, parseMask } from '../masks/masks.ts';
import { countValues, parseValueType, type ValueType } from '../values/types.ts';
import { type FieldDocument, fieldSchema, LIMITS } from './document.ts';
import type { Field } from './policy.ts';
import { findAbsent, isRecord, joinPath, readNamed, readPart } from './read.ts';

/** Below this, equality or format-preserving encryption gives the value away (NIST SP 800-38G r1). */
const MIN_SPACE = 1_000_000;

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
  if (part.class === undefined || type === undefined) {
    return undefined;
  }
  const { mode, prefix, scope } = part.token;
  const ttlMs = part.retention.ttl === undefined ? undefined : parseDuration(part.retention.ttl);
  return {
    name,
    class: part.class,
    type,
    maxBytes: part.maxBytes,
    token: { mode, format: 'opaque', prefix },
    views,
    ...(ttlMs !== undefined && { ttlMs }),
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
    if (parsed.mask !== undefined && isBuiltMask(parsed.mask)) {
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

/** How token and value fit together. */
function checkToken(part: FieldDocument, type: ValueType | undefined, path: string): Problem[] {
  const { mode } = part.token;
  const problems: Problem[] = [];
  const isDeterministic = mode === 'deterministic' || mode === 'siv';
  const isVaultless = mode === 'fpe' || mode === 'siv';
  const hint = `at least ${MIN_SPACE.toLocaleString('en')} values`;
  if (isDeterministic && type !== undefined && countValues(type) < MIN_SPACE) {
    problems.push({ path: `${path}.token.mode`, rule: 'values_too_few', hint });
  }
  if (mode === 'fpe' && type !== undefined && countFf1Space(part, type) < MIN_SPACE) {
    problems.push({ path: `${path}.token`, rule: 'ff1_space_too_small', hint });
  }
  if (isVaultless && Object.keys(part.retention).length > 0) {
    const why = 'nothing of this field is stored, so nothing of it can expire';
    problems.push({ path: `${path}.retention`, rule: 'retention_unfit', hint: why });
  }
  return problems;
}

/** Judged only if the mode is as written: a misspelt one says nothing about the scope. */
function checkScope(input: unknown, { token }: FieldDocument, path: string): Problem[] {
  const written = isRecord(input) && isRecord(input['token']) ? input['token']['mode'] : undefined;
  const isRandom = token.mode === 'random' || token.mode === 'volatile';
  const isFaulty = written !== undefined && written !== token.mode;
  const hint = 'random tokens are never equal, whatever the scope';
  return token.scope !== 'vault' && isRandom && !isFaulty
    ? [{ path: `${path}.token.scope`, rule: 'scope_unfit', hint }]
    : [];
}

/** Characters that FF1 permutes at the shortest value, as a number of texts (SP 800-38G r1 §5.1). */
function countFf1Space({ token }: FieldDocument, type: ValueType): number {
  const { keepFirst = 0, keepLast = 0, alphabet } = token;
  const kept = keepFirst + keepLast;
  switch (type.kind) {
    case 'digits':
      return 10 ** (type.minLength - kept);
    case 'us-ssn':
      return 10 ** (9 - kept);
    case 'card':
      // Numbers shorter than 16 digits keep only the last ones (DESIGN §6).
      return Math.min(10 ** (12 - keepLast), 10 ** (16 - kept));
    default:
      // A lower bound: each kept character divides the count by its alphabet at most.
      return countValues(type) / Math.max(alphabet?.length ?? 0, 62) ** kept;
  }
}
