import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { readPolicy } from '../../src/app/policy-files.ts';
import { describeFailure } from '../../src/cli/report-failure.ts';
import { ROOT, startDev } from '../helpers/dev-instance.ts';
import { makeShell } from '../helpers/shell.ts';

type Block = { language: string; text: string };

/** The fenced blocks of a guide, in order. */
async function blocksOf(guide: string): Promise<Block[]> {
  const text = await readFile(join(ROOT, 'docs/guides', guide), 'utf8');
  return [...text.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(([, language = '', body = '']) => ({
    language,
    text: body,
  }));
}

/** What differs from run to run: tokens, and the moment at which one was made. */
function withoutChance(answers: string): string {
  return answers
    .replaceAll(/\b[a-z]+_[0-9a-hjkmnp-tv-z]{26}\b/g, '(token)')
    .replaceAll(/"createdAt":"[^"]*"/g, '"createdAt":"(time)"')
    .replaceAll(/\}\s*\{/g, '}\n{')
    .trim();
}

const RUNS = '# runs\n';
const NEXT = '--next--';

test('every command of the API guide that says that it runs gives the answer printed below it', async () => {
  const blocks = await blocksOf('api.md');
  const commands = blocks.filter(({ text }) => text.startsWith(RUNS)).map(({ text }) => text);
  // One shell for all of them: a block uses what an earlier one has found.
  const script = commands.join(`printf '\\n%s\\n' '${NEXT}'\n`);
  const expected = blocks.flatMap(({ text }, index) => {
    const answer = blocks[index + 1];
    return text.startsWith(RUNS) ? [answer?.language === 'json' ? answer.text : ''] : [];
  });
  const instance = await startDev();
  try {
    const run = await makeShell();
    const printed = await run(`COUNTERFOIL_DATA_DIR='${instance.dataDir}'\n${script}`);
    assert.deepEqual(printed.split(NEXT).map(withoutChance), expected.map(withoutChance));
    assert(expected.filter((answer) => answer !== '').length > 10);
  } finally {
    await instance.stop();
  }
});

/** The YAML block of the policy guide that begins with this file's name. */
function findPolicy(blocks: readonly Block[], name: string): number {
  const index = blocks.findIndex(({ text }) => text.startsWith(`# ${name}\n`));
  assert.notEqual(index, -1, `no block is ${name}`);
  return index;
}

test('the complete example of the policy guide is a valid policy, without a warning', async () => {
  const blocks = await blocksOf('policy.md');
  const { policy, warnings } = readPolicy(blocks[findPolicy(blocks, 'clinic.yaml')]?.text ?? '');
  assert.equal(policy.vault, 'clinic');
  assert.deepEqual(warnings, []);
});

test('the refused example of the policy guide has exactly the problems printed below it', async () => {
  const blocks = await blocksOf('policy.md');
  const index = findPolicy(blocks, 'refused.yaml');
  const expected = blocks[index + 1]?.text.replaceAll('refused.yaml: ', '').trim();
  assert.throws(
    () => readPolicy(blocks[index]?.text ?? ''),
    (error) => `counterfoil: ${describeFailure(error).join('\n')}` === expected,
  );
});
