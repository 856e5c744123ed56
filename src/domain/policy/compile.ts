import { type Problem, VaultError } from '../errors.ts';
import { compileField } from './compile-field.ts';
import { compileGrant, type Declared, type Findings } from './compile-grant.ts';
import { headSchema, LIMITS } from './document.ts';
import { warnOfField } from './field-warnings.ts';
import { type Action, type Field, type Grant, type Policy, WHOLE_ACTIONS } from './policy.ts';
import {
  findAbsent,
  findDuplicates,
  findMembers,
  isRecord,
  joinPath,
  readList,
  readNamed,
  readPart,
} from './read.ts';
import { findUnbuilt } from './unbuilt.ts';

/** What is to be said of a document. `policy` is present exactly when there are no problems. */
export type Checked = Findings & { policy?: Policy };

/**
 * Checks a whole policy document (parsed YAML or JSON) and turns it into what `decide` needs. Throws
 * `policy_invalid` with every problem at once (path, rule, hint; names of the document, never values).
 * The caller caps the size of the document and of what its YAML aliases expand to.
 */
export function compilePolicy(document: unknown): { policy: Policy; warnings: Problem[] } {
  const { policy, problems, warnings } = checkPolicy(document);
  if (policy === undefined) {
    throw new VaultError('policy_invalid', { problems });
  }
  return { policy, warnings };
}

/** The same as an account of the document: problems and warnings side by side. Never throws. */
export function checkPolicy(document: unknown): Checked {
  const bomb = findPatternBomb(document);
  if (bomb.length > 0) {
    return { problems: bomb, warnings: [] };
  }
  const findings: Findings = { problems: [], warnings: [] };
  const { problems, warnings } = findings;
  const head = readPart(headSchema, { input: document, path: '', problems });
  problems.push(...findAbsent(document, ['apiVersion', 'vault', 'fields', 'roles'], ''));
  problems.push(...findDuplicates(head?.purposes ?? [], 'purposes'));

  const fieldEntries = readNamed({
    input: head?.fields,
    path: 'fields',
    max: LIMITS.fields,
    problems,
  });
  const fields = new Map<string, Field>();
  for (const [name, input] of fieldEntries) {
    problems.push(...checkVolatile(input, joinPath('fields', [name])));
    const field = compileField({ name, input, problems });
    if (field !== undefined) {
      warnings.push(...warnOfField(field));
      fields.set(name, field);
    }
  }
  const purposes = new Set(head?.purposes);
  const views = declaredViews(fieldEntries);
  const anyView = new Set([...views.values()].flatMap((names) => [...names]));
  const declared: Declared = { views, anyView, hasPurposes: purposes.size > 0 };
  const roles = compileRoles(head?.roles, declared, findings);
  problems.push(...findUnbuilt(document));

  return problems.length > 0 || head?.vault === undefined
    ? { problems, warnings }
    : { problems, warnings, policy: { vault: head.vault, purposes, fields, roles } };
}

/**
 * The fields of a document that was accepted once, whatever else of it has become a problem since;
 * `undefined` for one whose rules cannot be read any more.
 */
export function compileFields(document: unknown): Map<string, Field | undefined> {
  const input = isRecord(document) ? document['fields'] : undefined;
  const entries = readNamed({ input, path: 'fields', max: LIMITS.fields, problems: [] });
  return new Map(
    entries.map(([name, field]) => [name, compileField({ name, input: field, problems: [] })]),
  );
}

/**
 * Compiling a thousand characters of pattern can take a tenth of a second. A document that could hold
 * the service up with them is refused before the first one is tried.
 */
function findPatternBomb(document: unknown): Problem[] {
  const patterns = [
    ...findMembers(document, ['fields', '*', 'pattern']),
    ...findMembers(document, ['roles', '*', '*', 'require', 'reference']),
  ];
  const length = patterns.reduce(
    (sum, { value }) => sum + (typeof value === 'string' ? value.length : 0),
    0,
  );
  const hint = `at most ${LIMITS.patternCharacters} characters of patterns in all`;
  return length > LIMITS.patternCharacters ? [{ path: '', rule: 'too_big', hint }] : [];
}

/** `retention.volatile` promises what the mode does: it can only say the same. */
function checkVolatile(input: unknown, path: string): Problem[] {
  const memberOf = (part: unknown, key: string) => (isRecord(part) ? part[key] : undefined);
  const promised = memberOf(memberOf(input, 'retention'), 'volatile');
  const isVolatile = memberOf(memberOf(input, 'token'), 'mode') === 'volatile';
  const hint = 'true with token.mode volatile, and only there';
  return typeof promised === 'boolean' && promised !== isVolatile
    ? [{ path: joinPath(path, ['retention', 'volatile']), rule: 'volatile_unfit', hint }]
    : [];
}

function compileRoles(
  input: unknown,
  declared: Declared,
  findings: Findings,
): Map<string, readonly Grant[]> {
  const { problems, warnings } = findings;
  const roles = new Map<string, readonly Grant[]>();
  for (const [name, items] of readNamed({ input, path: 'roles', max: LIMITS.roles, problems })) {
    const path = joinPath('roles', [name]);
    const grants = readList({ input: items, path, max: LIMITS.grants, problems }).flatMap(
      (item, index) => {
        const id = `role:${name}[${index}]`;
        const grant = compileGrant(item, { id, path: joinPath(path, [index]), declared, findings });
        return grant === undefined ? [] : [grant];
      },
    );
    warnings.push(...checkRole(grants, path));
    roles.set(name, grants);
  }
  return roles;
}

/** Views per field, from the document as written: a field with a fault of its own is still declared. */
function declaredViews(entries: readonly [string, unknown][]): Declared['views'] {
  return new Map(
    entries.map(([name, field]) => {
      const views = isRecord(field) && isRecord(field['views']) ? field['views'] : {};
      return [name, new Set(Object.keys(views))];
    }),
  );
}

/** Whoever may change the policy can grant the rest: with detokenize, one stolen credential is enough. */
function checkRole(grants: readonly Grant[], path: string): Problem[] {
  const allows = (action: Action) =>
    grants.some((grant) => grant.effect === 'allow' && grant.actions.has(action));
  return allows('policy.apply') && ['detokenize' as const, ...WHOLE_ACTIONS].some(allows)
    ? [{ path, rule: 'applies_and_reveals', hint: 'give these actions to different roles' }]
    : [];
}
