import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readPolicy } from '../../src/app/policy-files.ts';
import { describeFailure } from '../../src/cli/report-failure.ts';
import type { Mask } from '../../src/domain/masks/masks.ts';
import { FORMAT_KINDS } from '../../src/domain/tokens/format.ts';
import { makeMetrics } from '../../src/telemetry/metrics.ts';
import { SEQUENCER_ALARMS } from '../../src/telemetry/metrics-sequencer.ts';
import { FINDINGS } from '../../src/verify/findings.ts';
import { type Block, blocksOf, commandsOf, runBlocks, textOf } from '../helpers/guide.ts';

/** What differs from run to run: tokens, ids, moments, and who ran it with what. */
function withoutChance(answers: string): string {
  return answers
    .replaceAll(/\b[a-z]+_[0-9a-hjkmnp-tv-z]{26}\b/g, '(token)')
    .replaceAll(/\bhmac:[\w-]{43}/g, '(reference)')
    .replaceAll(
      /"(createdAt|time|id|shard|policy|credential|userAgent|requestId)":"[^"]*"/g,
      '"$1":"…"',
    )
    .replaceAll(/"index":\d+/g, '"index":0')
    .replaceAll(/\}\s*\{/g, '}\n{')
    .trim();
}

/**
 * What each drawn or computed token of the guides looks like; the value that it stands for does not.
 * No two shapes have a word in common: a draw that fits two would now and then take the wrong name.
 */
const DRAWN: readonly (readonly [kind: string, pattern: RegExp])[] = [
  ['email', /[0-9a-hjkmnp-tv-z]{26}@(token\.invalid|example\.com)/],
  ['phone', /\+49\d{9}/],
  ['card', /4111(?!1{12})\d{8}1111/],
  ['ssn', /9\d\d-[0-4]\d-\d{4}/],
  ['loyalty', /(?!981234567890)\d{8}7890/],
  ['iban', /DE(?!89)\d{20}/],
  ['siv', /note~1\.[\w-]+/],
  ['serial', /AB-(?!12CD-34EF)\w{4}-\w{4}/],
  ['genome', /(?!GATTACAGATTACA)[ACGT]{14}/],
  ['uuid', /[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/],
  ['date', /[3-9]\d{3}-\d\d-\d\d/],
  ['thirteen digits', /(?!4222222222222)\d{13}/],
  ['patient', /(?!12345678)\d{8}/],
];

/** What differs from run to run, with tokens of all formats: they become their kind. */
function withoutDraws(answers: string): string {
  const kindOf = (word: string) =>
    DRAWN.find(([, pattern]) => new RegExp(`^(?:${pattern.source})$`).test(word))?.[0];
  return withoutChance(answers)
    .replaceAll(/("value":")[\w-]{22}("[^}]*"joinKey")/g, '$1(hash)$2')
    .replaceAll(/\(\d+ a second\)/g, '(N a second)')
    .replaceAll(/ \/\S+\/failed/g, ' (folder)/failed')
    .replaceAll(/[^",\s]+/g, (word) => {
      const kind = kindOf(word);
      return kind === undefined ? word : `(${kind})`;
    });
}

test('every command of the API guide that says that it runs gives the answer printed below it', async () => {
  const { script, expected } = commandsOf(await blocksOf('api.md'));
  const printed = await runBlocks(script);
  assert.deepEqual(printed.map(withoutDraws), expected.map(withoutDraws));
  assert(expected.filter((answer) => answer !== '').length > 10);
});

test('every command of the tokens’ guide that says that it runs prints what stands below it', async () => {
  const { script, expected } = commandsOf(await blocksOf('tokens.md'));
  const printed = await runBlocks(script, { COUNTERFOIL_POLICIES: 'examples/policies-more' });
  assert.deepEqual(printed.map(withoutDraws), expected.map(withoutDraws));
  assert(expected.filter((answer) => answer !== '').length > 15);
});

const MASKS: Record<Mask['kind'], true> = {
  keep: true,
  email: true,
  initials: true,
  year: true,
  redact: true,
  hash: true,
  range: true,
};

test('the tokens’ guide shows every format and every mask', async () => {
  const guide = await textOf('tokens.md');
  for (const format of FORMAT_KINDS) assert.match(guide, new RegExp(`^\\| \`${format}\``, 'm'));
  for (const mask of Object.keys(MASKS)) assert.match(guide, new RegExp(`^\\| \`${mask}\``, 'm'));
});

/** What differs from run to run in the auditors' guide: names that are drawn, times, and all numbers. */
function withoutNumbers(answers: string): string {
  return answers
    .replaceAll(/\b[a-z]+_[0-9a-hjkmnp-tv-z]{26}\b/g, '(token)')
    .replaceAll(/\bhmac:[\w-]{43}/g, '(reference)')
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
  // Three rounds of calls say as much as sixty.
  const shorter = script.map((text) => text.replace('seq 60', 'seq 3'));
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
