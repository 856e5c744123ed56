import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type DevInstance, ROOT, startDev } from '../helpers/dev-instance.ts';
import { type Ended, runProgram, startProgram } from '../helpers/process.ts';

// Tables and JSON lines through the real program, which is killed half-way.

const ROWS = 6_000;
const POLICY = `
apiVersion: counterfoil/v1
vault: demo
purposes: [migration]
fields:
  name: { class: direct, type: text, token: { mode: random, prefix: name } }
  email: { class: direct, type: email, token: { mode: deterministic, format: email } }
  pan: { class: direct, type: card, token: { mode: deterministic, format: card, keepFirst: 6, keepLast: 4 } }
  loyalty: { class: direct, type: digits, length: 12, token: { mode: fpe, format: digits } }
roles:
  app:
    - allow: [tokenize]
      fields: "*"
  supervisor:
    - allow: [detokenize]
      fields: "*"
      views: [full]
      require: { purpose: true }
  auditor:
    - allow: [policy.read]
`;

let folder: string;
let service: DevInstance;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'counterfoil-bulk-'));
  await mkdir(join(folder, 'policies'));
  await writeFile(join(folder, 'policies', 'demo.yaml'), POLICY);
  service = await startDev({ env: { COUNTERFOIL_POLICIES: join(folder, 'policies') } });
});
after(async () => {
  await service?.stop();
  await rm(folder, { recursive: true, force: true });
});

const command = (args: readonly string[]) => [
  process.execPath,
  join(ROOT, 'src', 'main.ts'),
  ...args,
];
const env = () => ({ COUNTERFOIL_DATA_DIR: service.dataDir });
const run = (args: readonly string[]): Promise<Ended> => runProgram(command(args), { env: env() });
const at = (name: string) => join(folder, name);

/** A card number of 16 digits with the last one right (ISO/IEC 7812-1). */
function cardOf(row: number): string {
  const digits = `400000${String(row).padStart(9, '0')}`;
  const sum = [...digits].reduce((total, digit, index) => {
    const doubled = Number(digit) * (index % 2 === 0 ? 2 : 1);
    return total + (doubled > 9 ? doubled - 9 : doubled);
  }, 0);
  return `${digits}${(10 - (sum % 10)) % 10}`;
}

const rowOf = (row: number) =>
  `${row},"Ada ${row}, Countess",ada${row % 2_500}@example.com,${cardOf(row)},${String(row).padStart(12, '7')},"kept ""as is"""\r\n`;

const FIELDS = ['name', 'email', 'pan', 'loyalty'].flatMap((name) => ['--field', name]);

test('a table is tokenized, killed half-way, taken up again, detokenized, and equals what it was', async () => {
  const table = `id,name,email,pan,loyalty,remark\r\n${Array.from({ length: ROWS }, (_, row) => rowOf(row)).join('')}`;
  await writeFile(at('in.csv'), table);
  const tokenize = ['tokenize', '--vault', 'demo', ...FIELDS, '--in', at('in.csv')];
  const out = ['--out', at('tokens.csv')];

  const killed = startProgram(command([...tokenize, ...out]), { env: env() });
  await untilHalf(at('tokens.csv'), killed.ended);
  killed.child.kill('SIGKILL');
  assert.equal((await killed.ended).signal, 'SIGKILL');
  assert(!existsSync(at('tokens.csv')), 'nothing half has the name of the output');

  const resumed = await run([...tokenize, ...out, '--json']);
  assert.equal(resumed.code, 0, resumed.stderr);
  const { records, resumedAt } = JSON.parse(resumed.stdout) as Record<string, number>;
  assert.equal(records, ROWS);
  assert((resumedAt ?? 0) > 0, 'it began anew');

  const tokens = await readFile(at('tokens.csv'), 'utf8');
  assert(!tokens.includes('Ada') && !tokens.includes('example.com'));
  const detokenize = ['detokenize', '--vault', 'demo', ...FIELDS, '--purpose', 'migration'];
  const back = await run([...detokenize, '--in', at('tokens.csv'), '--out', at('back.csv')]);
  assert.equal(back.code, 0, back.stderr);
  assert.equal(await readFile(at('back.csv'), 'utf8'), table);
});

test('the run that was killed left no token that nobody has', async () => {
  const stats = await run(['vault', 'stats', '--vault', 'demo', '--json']);
  assert.equal(stats.code, 0, stats.stderr);
  const { fields } = JSON.parse(stats.stdout) as { fields: { field: string; used?: number }[] };
  const used = Object.fromEntries(fields.map((field) => [field.field, field.used]));
  assert.deepEqual(
    { name: used['name'], email: used['email'], pan: used['pan'] },
    { name: ROWS, email: 2_500, pan: ROWS },
  );
  assert.deepEqual(
    (await readdir(folder)).filter((name) => /part|progress/.test(name)),
    [],
  );
});

test('standard input and output do as well, for JSON lines and their paths', async () => {
  const lines =
    '{"id":12345678901234567890,"who":{"name":"Ada"}}\n{"who":{"name":"Grace","x":1.0}}\n';
  await writeFile(at('in.ndjson'), lines);
  const shell = (text: string) =>
    runProgram(['sh', '-c', text], { env: { ...env(), NODE: process.execPath } });
  const main = `"$NODE" ${join(ROOT, 'src', 'main.ts')}`;
  const swap = '--vault demo --ndjson --field name=who.name';
  const { stdout, stderr, code } = await shell(
    `${main} tokenize ${swap} < ${at('in.ndjson')} | tee ${at('t.ndjson')} | ${main} detokenize ${swap} --purpose migration`,
  );
  assert.equal(code, 0, stderr);
  assert.equal(stdout, lines);
  assert.match(
    await readFile(at('t.ndjson'), 'utf8'),
    /^\{"id":12345678901234567890,"who":\{"name":"name_/,
  );
});

test('records that cannot be tokenized are named by number and place, never by value', async () => {
  await writeFile(at('bad.csv'), `pan\n${cardOf(1)}\n4111111111111112\n${cardOf(2)}\n`);
  const args = ['tokenize', '--vault', 'demo', '--field', 'pan', '--in', at('bad.csv')];
  const refused = await run([...args, '--out', at('bad.out')]);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /Record 2, pan: .*value_invalid/);
  assert.doesNotMatch(refused.stderr + refused.stdout, /4111111111111112/);
  const aside = await run([...args, '--out', at('good.out'), '--failures', at('bad.failed')]);
  assert.equal(aside.code, 0, aside.stderr);
  assert.equal(await readFile(at('bad.failed'), 'utf8'), '2,"pan",value_invalid\n');
  assert.equal((await readFile(at('good.out'), 'utf8')).split('\n').length, 4);
});

/** Until the run has kept some of its work, but not all. */
async function untilHalf(path: string, ended: Promise<Ended>): Promise<void> {
  let hasEnded = false;
  void ended.finally(() => {
    hasEnded = true;
  });
  for (;;) {
    assert(!hasEnded, 'it ended before it could be killed');
    const text = await readFile(`${path}.progress`, 'utf8').catch(() => '');
    if (text !== '' && Number((JSON.parse(text) as { number: number }).number) > 0) return;
    await sleep(5);
  }
}
