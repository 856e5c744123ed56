import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { readPolicy } from '../../src/app/policy-files.ts';
import { describeFailure } from '../../src/cli/report-failure.ts';
import { makeMetrics } from '../../src/telemetry/metrics.ts';
import { SEQUENCER_ALARMS } from '../../src/telemetry/metrics-sequencer.ts';
import { FINDINGS } from '../../src/verify/findings.ts';
import { ROOT, startDev } from '../helpers/dev-instance.ts';
import { makeShell } from '../helpers/shell.ts';

type Block = { language: string; text: string };

const textOf = (guide: string) => readFile(join(ROOT, 'docs/guides', guide), 'utf8');

/** The fenced blocks of a guide, in order. */
async function blocksOf(guide: string): Promise<Block[]> {
  return [...(await textOf(guide)).matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(
    ([, language = '', body = '']) => ({
      language,
      text: body,
    }),
  );
}

/** What differs from run to run: tokens, ids, moments, and who ran it with what. */
function withoutChance(answers: string): string {
  return answers
    .replaceAll(/\b[a-z]+_[0-9a-hjkmnp-tv-z]{26}\b/g, '(token)')
    .replaceAll(
      /"(createdAt|time|id|shard|policy|credential|userAgent|requestId)":"[^"]*"/g,
      '"$1":"…"',
    )
    .replaceAll(/"index":\d+/g, '"index":0')
    .replaceAll(/\}\s*\{/g, '}\n{')
    .trim();
}

const RUNS = '# runs\n';
const NEXT = '--next--';

/** The commands of a guide as one script, each set apart, and what is printed below each of them. */
function commandsOf(blocks: readonly Block[]): Record<'script' | 'expected', string[]> {
  const runs = (block: Block) => block.text.startsWith(RUNS);
  return {
    script: blocks.filter(runs).map(({ text }) => text),
    expected: blocks.flatMap((block, index) => {
      const answer = blocks[index + 1];
      return runs(block)
        ? [answer === undefined || answer.language === 'sh' ? '' : answer.text]
        : [];
    }),
  };
}

/** Runs all blocks in one shell, because a block uses what an earlier one has found. */
async function runBlocks(blocks: readonly string[]): Promise<string[]> {
  const instance = await startDev();
  try {
    const run = await makeShell();
    const script = blocks.join(`printf '\\n%s\\n' '${NEXT}'\n`);
    const before = [
      `cd '${ROOT}'`,
      `export COUNTERFOIL_DATA_DIR='${instance.dataDir}'`,
      // The folder that the auditors' guide makes.
      `trap 'test -z "$KEPT" || rm -r "$KEPT"' EXIT`,
    ];
    return (await run([...before, script].join('\n'))).split(NEXT);
  } finally {
    await instance.stop();
  }
}

test('every command of the API guide that says that it runs gives the answer printed below it', async () => {
  const { script, expected } = commandsOf(await blocksOf('api.md'));
  const printed = await runBlocks(script);
  assert.deepEqual(printed.map(withoutChance), expected.map(withoutChance));
  assert(expected.filter((answer) => answer !== '').length > 10);
});

/** What differs from run to run in the auditors' guide: names that are drawn, times, and all numbers. */
function withoutNumbers(answers: string): string {
  return answers
    .replaceAll(/\b[a-z]+_[0-9a-hjkmnp-tv-z]{26}\b/g, '(token)')
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '(time)')
    .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '(request)')
    .replaceAll(/\+[0-9a-f]{8}\+[\w+/]{44}/g, '(key)')
    .replaceAll(/[\w+/]{43}=/g, '(hash)')
    .replaceAll(/jwt:[\w-]{43}/g, '(credential)')
    .replaceAll(/"ua":"[^"]*"/g, '"ua":"(agent)"')
    .replaceAll(/\bopen \([^)]*\)/g, 'open (writers)')
    .replaceAll(/\b(id=|event {2}|told by )[\w-]{22}/g, '$1(event)')
    .replaceAll(/bytes to \S*\//g, 'bytes to …/')
    .replaceAll(/ *\d+(?:,\d+)*/g, ' N')
    .trim();
}

test('every command of the auditors’ guide that says that it runs prints what stands below it', async () => {
  const { script, expected } = commandsOf(await blocksOf('auditing.md'));
  // Three rounds of calls say as much as sixty, and npx says the same as the program, only later.
  const shorter = script.map((text) =>
    text
      .replace('seq 60', 'seq 3')
      .replaceAll('npx counterfoil', `'${process.execPath}' src/main.ts`),
  );
  const printed = await runBlocks(shorter);
  assert.deepEqual(printed.map(withoutNumbers), expected.map(withoutNumbers));
  assert(expected.filter((answer) => answer !== '').length >= 8);
});

test('the auditors’ guide explains every finding of the verifier, and no other', async () => {
  const rows = (await textOf('auditing.md')).split('## What the findings mean')[1] ?? '';
  const [table = ''] = rows.split('\n## ');
  const named = [...table.matchAll(/^\| ([^|]+)/gm)].flatMap(([, cell = '']) =>
    [...cell.matchAll(/`(\w+)`/g)].map(([, name]) => name),
  );
  assert.deepEqual(named.sort(), Object.keys(FINDINGS).sort());
});

test('the operator’s guide names every metric and every alarm of the audit log', async () => {
  const guide = await textOf('operating.md');
  const metrics = makeMetrics();
  metrics.audit.watchQueue(() => 0);
  metrics.audit.watchUnintegrated(() => ({ events: 0, ageSeconds: 0 }));
  const { body } = await metrics.expose();
  const names = [...body.matchAll(/^# TYPE counterfoil_(audit_\w+)/gm)].map(
    ([, name = '']) => name,
  );
  assert(names.length > 20, `${names.length} metrics`);
  // Where several stand in one row, the others are shortened to `…_the_rest`.
  for (const name of names) assert.ok(guide.includes(name.replace('audit', '')), name);
  for (const kind of SEQUENCER_ALARMS) assert.ok(guide.includes(`\`${kind}\``), kind);
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
