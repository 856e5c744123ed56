import type { z } from 'zod';
import type { Problem } from '../errors.ts';
import { isName, NAME_HINT } from './document.ts';

type Key = PropertyKey;
type Part = { input: unknown; path: string; problems: Problem[] };

/** True for a mapping of the document: nothing else has members. */
export function isRecord(input: unknown): input is Record<string, unknown> {
  return typeof input === 'object' && input !== null && !Array.isArray(input);
}

/**
 * The path of a member, as in `roles.support[0].fields[2]`. A key that could not be a declared name is
 * shown as `?`: paths reach logs and answers, and a key is free text.
 */
export function joinPath(path: string, keys: readonly Key[]): string {
  return keys.reduce<string>((parent, key) => {
    if (typeof key === 'number') {
      return `${parent}[${key}]`;
    }
    const name = /^[\w-]{1,63}$/.test(String(key)) ? String(key) : '?';
    return parent === '' ? name : `${parent}.${name}`;
  }, path);
}

/**
 * Reads one part of the document by its schema and reports every problem of its shape. Faulty members
 * are then put aside, so that the rest still gets the checks that need more than the shape: a document
 * shows all of its problems at once. `undefined` when nothing usable is left.
 */
export function readPart<T>(schema: z.ZodType<T>, { input, path, problems }: Part): T | undefined {
  const parsed = schema.safeParse(input);
  if (parsed.success) {
    return parsed.data;
  }
  problems.push(...parsed.error.issues.flatMap((issue) => describe(issue, { input, path })));
  return salvage(schema, input, parsed.error);
}

/** Takes faulty members out until the rest parses: a mapping that loses one may have to go as well. */
function salvage<T>(schema: z.ZodType<T>, input: unknown, { issues }: z.ZodError): T | undefined {
  const rest = issues.flatMap((issue) => faultyPaths(issue, input)).reduce(withoutMember, input);
  const parsed = schema.safeParse(rest);
  const isExhausted = rest === undefined || rest === input;
  return parsed.success || isExhausted ? parsed.data : salvage(schema, rest, parsed.error);
}

/** Names the rule that an issue breaks. zod's own texts are not used: they could quote the input. */
function describe(issue: z.core.$ZodIssue, { input, path }: Omit<Part, 'problems'>): Problem[] {
  const at = joinPath(path, issue.path);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ path: joinPath(at, [key]), rule: 'unknown_key' }));
  }
  if (findMember(input, issue.path) === undefined) {
    return [{ path: at, rule: 'required' }];
  }
  switch (issue.code) {
    case 'invalid_type':
      return [{ path: at, rule: 'wrong_type', hint: `expected ${issue.expected}` }];
    case 'invalid_value':
      return [{ path: at, rule: 'not_one_of', hint: issue.values.map(String).join(', ') }];
    case 'too_big':
      return [{ path: at, rule: 'too_big', hint: `at most ${issue.maximum}` }];
    case 'too_small':
      return [{ path: at, rule: 'too_small', hint: `at least ${issue.minimum}` }];
    default:
      // Formats, unions and refinements: their schemas carry a hint of ours.
      return [{ path: at, rule: 'malformed', hint: issue.message }];
  }
}

function findMember(input: unknown, [key, ...rest]: readonly Key[]): unknown {
  if (key === undefined) {
    return input;
  }
  const member = Array.isArray(input)
    ? input[Number(key)]
    : isRecord(input) && Object.hasOwn(input, key)
      ? input[String(key)]
      : undefined;
  return findMember(member, rest);
}

/** What has to go: the member, or where it is missing, the mapping that lacks it. */
function faultyPaths(issue: z.core.$ZodIssue, input: unknown): Key[][] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => [...issue.path, key]);
  }
  const isMissing = findMember(input, issue.path) === undefined;
  return [isMissing ? issue.path.slice(0, -1) : [...issue.path]];
}

/** A copy without that member. An array goes as a whole, because its indices would shift. */
function withoutMember(input: unknown, [key, ...rest]: readonly Key[]): unknown {
  if (key === undefined || Array.isArray(input)) {
    return undefined;
  }
  if (!isRecord(input) || !Object.hasOwn(input, key)) {
    return input;
  }
  const kept = rest.length === 0 ? undefined : withoutMember(input[String(key)], rest);
  const others = Object.entries(input).filter(([name]) => name !== key);
  return Object.fromEntries(kept === undefined ? others : [...others, [key, kept]]);
}

/**
 * The members of a mapping from declared names to definitions (fields, views, roles), as entries: own
 * keys only, so that `__proto__` is a badly named member and nothing else. Absent is empty.
 */
export function readNamed({ input, path, problems, max }: Part & { max: number }) {
  if (input === undefined) {
    return [];
  }
  if (!isRecord(input)) {
    problems.push({ path, rule: 'wrong_type', hint: 'expected a mapping of names' });
    return [];
  }
  const entries = Object.entries(input);
  if (entries.length > max) {
    problems.push({ path, rule: 'too_big', hint: `at most ${max}` });
  }
  return entries.slice(0, max).filter(([key]) => {
    if (!isName(key)) {
      problems.push({ path: joinPath(path, [key]), rule: 'name_invalid', hint: NAME_HINT });
    }
    return isName(key);
  });
}

/** The items of a list. Absent is not empty: a role without a list is a mistake. */
export function readList({ input, path, problems, max }: Part & { max: number }): unknown[] {
  if (!Array.isArray(input)) {
    problems.push({ path, rule: 'wrong_type', hint: 'expected a list' });
    return [];
  }
  if (input.length > max) {
    problems.push({ path, rule: 'too_big', hint: `at most ${max}` });
  }
  return input.slice(0, max);
}

/** Required members that a mapping lacks; a faulty one is present and has its own problem. */
export function findAbsent(input: unknown, keys: readonly string[], path: string): Problem[] {
  return isRecord(input)
    ? keys
        .filter((key) => input[key] === undefined)
        .map((key) => ({ path: joinPath(path, [key]), rule: 'required' }))
    : [];
}

/** Every repetition of a name in a list: one of the two is likely a slip for another name. */
export function findDuplicates(list: readonly string[], path: string): Problem[] {
  return list.flatMap((item, index) =>
    list.indexOf(item) < index ? [{ path: joinPath(path, [index]), rule: 'duplicate' }] : [],
  );
}

type Member = { path: string; value: unknown };

/** The members that a path with wildcards (`fields.*.token.mode`, as keys) leads to, whatever else is there. */
export function findMembers(document: unknown, at: readonly string[]): Member[] {
  return at.reduce<Member[]>(
    (members, step) => members.flatMap((member) => findStep(member, step)),
    [{ path: '', value: document }],
  );
}

function findStep({ path, value }: Member, step: string): Member[] {
  if (Array.isArray(value)) {
    const items: unknown[] = step === '*' ? value : [];
    return items.map((item, index) => ({ path: joinPath(path, [index]), value: item }));
  }
  return (isRecord(value) ? Object.entries(value) : [])
    .filter(([key]) => step === '*' || step === key)
    .map(([key, member]) => ({ path: joinPath(path, [key]), value: member }));
}
