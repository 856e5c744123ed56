import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { openContext } from '../../../test/helpers/cli-context.ts';
import { DEMO_POLICY } from '../../../test/helpers/operations.ts';
import { VaultError } from '../../domain/errors.ts';
import { UsageError } from '../command.ts';
import { policyLint } from './policy-lint.ts';

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'counterfoil-lint-'));
});
after(() => rm(folder, { recursive: true, force: true }));

async function lint(words: readonly string[], values = {}) {
  const context = openContext('http://127.0.0.1:9');
  const isFine = await policyLint.run(context, { values, words });
  return { isFine, out: context.printed.out };
}

async function fileOf(text: string): Promise<string> {
  const path = join(folder, `${Math.random()}.yaml`);
  await writeFile(path, text);
  return path;
}

const head = 'apiVersion: counterfoil/v1\nvault: shop\n';

test('a sound document is shown with the format of each field, its capacity and what it keeps', async () => {
  const { isFine, out } = await lint([DEMO_POLICY]);
  assert.ok(isFine);
  const lines = out.split('\n');
  assert.equal(lines[0], `${DEMO_POLICY}: vault demo, 0 problems, 0 warnings`);
  assert.match(lines[2] ?? '', /^FIELD +MODE +FORMAT +CAPACITY +KEEPS$/);
  assert.match(out, /^pan +deterministic +card keepFirst=6 keepLast=4 luhn=fail +900,000 +\S/m);
  assert.match(out, /^note +siv +opaque prefix=note +1\.4e\+39 +nothing$/m);
});

test('every problem and every warning is told, and a file with problems fails the command', async () => {
  const faulty = await fileOf(`${head}
fields:
  pan: { class: direct, type: card, token: { mode: fpe, format: card, keepFirst: 8, keepLast: 4 } }
roles:
  r: [{ allow: [lookup], fields: [pan], views: [full] }, { allow: [fly] }]
`);
  const { isFine, out } = await lint([faulty, DEMO_POLICY]);
  assert.ok(!isFine);
  assert.match(out, /: 2 problems, 1 warning\n/);
  assert.match(out, /^ {2}problem {2}fields\.pan\.token: ff1_space_too_small \(.+\)$/m);
  assert.match(out, /^ {2}problem {2}roles\.r\[1\]\.allow\[0\]: action_unknown$/m);
  assert.match(out, /^ {2}warning {2}roles\.r\[0\]\.views: without_effect \(.+\)$/m);
  assert.match(out, /vault demo, 0 problems/);
});

test('with --json the same comes as one object', async () => {
  const faulty = await fileOf('vault: [');
  const { isFine, out } = await lint([faulty, DEMO_POLICY], { json: true });
  assert.ok(!isFine);
  const { files } = JSON.parse(out);
  assert.deepEqual(files[0], {
    file: faulty,
    problems: [{ path: 'line 1', rule: 'yaml_syntax' }],
    warnings: [],
    fields: [],
  });
  const { vault, problems, fields } = files[1];
  assert.deepEqual([vault, problems, fields.length], ['demo', [], 11]);
  const { keeps, ...note } = fields.find(({ name }: { name: string }) => name === 'note');
  const capacity = String(2n ** 130n);
  assert.deepEqual(note, { name: 'note', mode: 'siv', format: 'opaque prefix=note', capacity });
  assert.equal(typeof keeps, 'string');
});

test('without a file, or with one that cannot be read, it says so', async () => {
  await assert.rejects(lint([]), UsageError);
  await assert.rejects(lint([join(folder, 'none.yaml')]), (error: unknown) => {
    return error instanceof VaultError && /^Cannot read .*none\.yaml: /.test(error.message);
  });
});
