import { parseDuration } from '../duration.ts';
import type { Problem } from '../errors.ts';
import { compileRequirement } from './compile-requirement.ts';
import { type GrantDocument, grantSchema } from './document.ts';
import {
  ACTIONS,
  type Action,
  type Budget,
  type Grant,
  TOKEN_ACTIONS,
  WHOLE_ACTIONS,
} from './policy.ts';
import { findDuplicates, isRecord, joinPath, readPart } from './read.ts';

/** What the checks of one document have found so far. Warnings do not keep a policy from loading. */
export type Findings = { problems: Problem[]; warnings: Problem[] };

/** The names that a grant can refer to. */
export type Declared = {
  /** Field → its views, without `full`. */
  views: ReadonlyMap<string, ReadonlySet<string>>;
  /** The views of all fields together. */
  anyView: ReadonlySet<string>;
  hasPurposes: boolean;
};

type Place = { id: string; path: string; declared: Declared; findings: Findings };

/** Compiles one rule of a role; what is wrong with it joins the findings. */
export function compileGrant(
  input: unknown,
  { id, path, declared, findings }: Place,
): Grant | undefined {
  const { problems, warnings } = findings;
  const part = readPart(grantSchema, { input, path, problems });
  if (part === undefined) {
    return undefined;
  }
  const effect = part.deny === undefined ? 'allow' : 'deny';
  problems.push(
    ...checkEffect(input, path),
    ...checkActions(part, path),
    ...checkFields(input, part, { path, declared }),
    ...checkViews(part, path, declared),
    ...(effect === 'deny' ? checkUnconditional(part, path) : []),
    ...checkPurposes(part, path, declared),
    ...checkBudget(part, path),
  );
  warnings.push(...findIdle(part, path));
  const require = compileRequirement(part.require, { path: `${path}.require`, problems });
  const budget = compileBudget(part);
  return {
    id,
    effect,
    actions: new Set([...(part.allow ?? []), ...(part.deny ?? [])].filter(isAction)),
    fields: toNames(part.fields, new Set()),
    views: toNames(part.views, effect === 'deny' ? '*' : new Set()),
    require,
    ...(budget && { budget }),
  };
}

type Names = ReadonlySet<string> | '*';

const toNames = (names: readonly string[] | '*' | undefined, absent: Names): Names =>
  names === undefined || names === '*' ? (names ?? absent) : new Set(names);

const isAction = (text: string): text is Action => ACTIONS.some((action) => action === text);

const listsAction = ({ allow = [], deny = [] }: GrantDocument, action: Action): boolean =>
  allow.includes(action) || deny.includes(action);

const concernsFields = (part: GrantDocument): boolean =>
  [...TOKEN_ACTIONS].some((action) => listsAction(part, action));

/** Judged by the document as written: a faulty list is there all the same. */
function checkEffect(input: unknown, path: string): Problem[] {
  const given = ['allow', 'deny'].filter((key) => isRecord(input) && input[key] !== undefined);
  return given.length === 1 ? [] : [{ path, rule: 'effect', hint: 'either allow or deny' }];
}

function checkActions(part: GrantDocument, path: string): Problem[] {
  return (['allow', 'deny'] as const).flatMap((effect) => {
    const actions = part[effect] ?? [];
    const at = joinPath(path, [effect]);
    const unknown = actions.flatMap((action, index) =>
      isAction(action) ? [] : [{ path: joinPath(at, [index]), rule: 'action_unknown' }],
    );
    return [...unknown, ...findDuplicates(actions, at)];
  });
}

function checkFields(
  input: unknown,
  part: GrantDocument,
  { path, declared }: Pick<Place, 'path' | 'declared'>,
): Problem[] {
  const at = `${path}.fields`;
  if (isRecord(input) && input['fields'] === undefined) {
    const hint = "this action concerns fields: list them, or '*'";
    return concernsFields(part) ? [{ path: at, rule: 'required', hint }] : [];
  }
  const fields = part.fields === '*' ? [] : (part.fields ?? []);
  const unknown = fields.flatMap((field, index) =>
    declared.views.has(field) ? [] : [{ path: joinPath(at, [index]), rule: 'field_unknown' }],
  );
  return [...unknown, ...findDuplicates(fields, at)];
}

/** A view must exist on one of the listed fields; with an unknown field among them, on any. */
function checkViews(part: GrantDocument, path: string, declared: Declared): Problem[] {
  const at = `${path}.views`;
  const views = part.views === '*' ? [] : (part.views ?? []);
  const fields = part.fields === '*' ? [] : (part.fields ?? []);
  const isWide = fields.length === 0 || fields.some((field) => !declared.views.has(field));
  const exists = (view: string) =>
    view === 'full' ||
    (isWide
      ? declared.anyView.has(view)
      : fields.some((field) => declared.views.get(field)?.has(view)));
  const hint = 'no listed field has this view';
  const unknown = views.flatMap((view, index) =>
    exists(view) ? [] : [{ path: joinPath(at, [index]), rule: 'view_unknown', hint }],
  );
  return [...unknown, ...findDuplicates(views, at)];
}

/** A caller chooses purpose and reference, and often place and time: none may lift a deny. */
function checkUnconditional(part: GrantDocument, path: string): Problem[] {
  return (['require', 'budget', 'breakGlass'] as const)
    .filter((key) => part[key] !== undefined)
    .map((key) => ({
      path: joinPath(path, [key]),
      rule: 'deny_conditional',
      hint: 'a deny holds always',
    }));
}

function checkPurposes(part: GrantDocument, path: string, { hasPurposes }: Declared): Problem[] {
  return part.require?.purpose === true && !hasPurposes
    ? [{ path: `${path}.require.purpose`, rule: 'purpose_unknown', hint: 'no purpose is declared' }]
    : [];
}

/** Whoever sets a limit relies on it: where it could not bind, that is a mistake and no mere excess. */
function checkBudget(part: GrantDocument, path: string): Problem[] {
  const hint = 'a budget is of reveals: only on an allow that names detokenize';
  return part.budget !== undefined && !listsAction(part, 'detokenize')
    ? [{ path: `${path}.budget`, rule: 'budget_unfit', hint }]
    : [];
}

function compileBudget({ budget }: GrantDocument): Budget | undefined {
  const perMs = budget === undefined ? undefined : parseDuration(budget.per);
  return budget === undefined || perMs === undefined ? undefined : { tokens: budget.tokens, perMs };
}

/** Parts of a grant that bind nothing, though their author may think they do. */
function findIdle(part: GrantDocument, path: string): Problem[] {
  const idle: Problem[] = [];
  const find = (keys: readonly (keyof GrantDocument)[], hint: string) => {
    const given = keys.filter((key) => part[key] !== undefined);
    idle.push(...given.map((key) => ({ path: `${path}.${key}`, rule: 'without_effect', hint })));
  };
  if (!concernsFields(part)) {
    find(['fields'], 'binds actions on tokens and values only, of which this grant names none');
  }
  if (!listsAction(part, 'detokenize')) {
    const hint = 'binds detokenize only, which this grant does not name';
    find(['views', 'require', 'breakGlass'], hint);
  } else if (part.allow !== undefined && part.views === undefined) {
    const hint = 'without views, detokenize shows nothing';
    idle.push({ path: `${path}.views`, rule: 'no_views', hint });
  }
  const whole = WHOLE_ACTIONS.find((action) => part.allow?.includes(action));
  if (whole !== undefined && listsAction(part, 'detokenize')) {
    find(['require', 'budget'], `does not bind ${whole}, which gives whole values away`);
  }
  return idle;
}
