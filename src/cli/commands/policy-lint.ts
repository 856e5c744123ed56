import { lintPolicyFile } from '../../app/policy-files.ts';
import type { Problem } from '../../domain/errors.ts';
import type { Checked } from '../../domain/policy/compile.ts';
import type { Field } from '../../domain/policy/policy.ts';
import { FORMATS } from '../../domain/tokens/formats.ts';
import { type Command, UsageError } from '../command.ts';
import { renderCount, renderTable } from '../render-count.ts';

export const policyLint: Command = {
  usage: 'FILE...',
  summary: 'Check policy documents, and show what their tokens look like.',
  options: {},
  help: [
    'Every problem keeps a policy from loading; warnings do not. CAPACITY is how many tokens there are for the',
    'values that have the fewest of them: it bounds how many such values the field can hold.',
    'Asks no service. Exit code 1 when any file has a problem.',
  ],
  run: async (context, args) => {
    if (args.words.length === 0) throw new UsageError('a FILE is missing');
    const files: { file: string; checked: Checked }[] = [];
    for (const file of args.words) files.push({ file, checked: await lintPolicyFile(file) });
    context.out(
      args.values['json'] === true
        ? `${JSON.stringify({ files: files.map(toJson) })}\n`
        : files.map(render).join('\n'),
    );
    return files.every(({ checked }) => checked.problems.length === 0);
  },
};

type Linted = { file: string; checked: Checked };

const fieldsOf = ({ policy }: Checked): Field[] => [...(policy?.fields.values() ?? [])];

function toJson({ file, checked }: Linted) {
  const { problems, warnings, policy } = checked;
  const fields = fieldsOf(checked).map(({ name, token: { mode, format } }) => ({
    name,
    mode,
    format: format.shape,
    capacity: String(format.capacity),
    keeps: FORMATS[format.kind].about.keeps,
  }));
  return { file, ...(policy && { vault: policy.vault }), problems, warnings, fields };
}

function render({ file, checked }: Linted): string {
  const { problems, warnings, policy } = checked;
  const counts = [count(problems.length, 'problem'), count(warnings.length, 'warning')].join(', ');
  const rows = fieldsOf(checked).map(({ name, token: { mode, format } }) => [
    name,
    mode,
    format.shape,
    renderCount(format.capacity),
    FORMATS[format.kind].about.keeps,
  ]);
  return [
    `${file}:${policy === undefined ? '' : ` vault ${policy.vault},`} ${counts}\n`,
    ...problems.map((problem) => `  problem  ${describe(problem)}\n`),
    ...warnings.map((warning) => `  warning  ${describe(warning)}\n`),
    rows.length === 0
      ? ''
      : `\n${renderTable([['FIELD', 'MODE', 'FORMAT', 'CAPACITY', 'KEEPS'], ...rows])}`,
  ].join('');
}

const count = (number: number, what: string) => `${number} ${what}${number === 1 ? '' : 's'}`;

function describe({ path, rule, hint }: Problem): string {
  const where = path === '' ? '' : `${path}: `;
  return `${where}${rule}${hint === undefined ? '' : ` (${hint})`}`;
}
