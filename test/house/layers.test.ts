import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmod, cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';

const ROOT = join(import.meta.dirname, '..', '..');
const BIN = join(ROOT, 'node_modules', '.bin');
const CONFIG = createRequire(import.meta.url)(join(ROOT, '.dependency-cruiser.cjs')) as {
  forbidden: { name: string; severity: string }[];
};

/** Source files by path, each with the modules that it imports. */
type Tree = Record<string, string[]>;

/** A small tree that uses every arrow the design allows, tests that cross layers included. */
const CLEAN: Tree = {
  'src/main.ts': ['./cli/run.ts'],
  'src/cli/run.ts': ['../app/serve.ts'],
  'src/app/serve.ts': [
    '../config/config.ts',
    '../api/http/server.ts',
    '../adapters/postgres/tokens.ts',
    '../adapters/memory/tokens.ts',
    '../tlog/tree.ts',
    '../verify/log.ts',
  ],
  'src/config/config.ts': ['zod'],
  'src/telemetry/log.ts': ['pino', '../domain/token.ts'],
  'src/api/http/server.ts': ['../../operations/reveal.ts', '../../telemetry/log.ts'],
  'src/operations/reveal.ts': ['./ports/store.ts', '../crypto/seal.ts'],
  'src/operations/ports/store.ts': ['../../domain/token.ts', '../../crypto/seal.ts'],
  'src/adapters/memory/tokens.ts': ['../../operations/ports/store.ts'],
  'src/adapters/postgres/tokens.ts': ['../../operations/ports/store.ts', '../../crypto/seal.ts'],
  'src/crypto/seal.ts': ['node:crypto', '@aws-crypto/encrypt-node', '../domain/token.ts'],
  'src/crypto/digest.ts': ['node:crypto'],
  'src/tlog/tree.ts': ['node:crypto'],
  'src/verify/log.ts': ['../tlog/tree.ts', '../domain/token.ts', '../crypto/digest.ts'],
  'src/domain/token.ts': ['zod'],
  'src/domain/token.test.ts': ['node:test', 'node:crypto', 'fast-check', './token.ts'],
  'src/operations/reveal.test.ts': ['../adapters/memory/tokens.ts', './reveal.ts'],
  'test/helpers/fake.ts': ['../../src/domain/token.ts'],
};

/** Each rule's violations: the offending file and the one import that breaks the rule. */
const VIOLATIONS: Record<string, [file: string, imported: string][]> = {
  'no-circular': [['src/operations/loop.ts', './pool.ts']],
  'no-orphans': [['src/domain/alone.ts', '']],
  'every-module-has-a-layer': [['src/app/helped.ts', '../util/misc.ts']],
  'not-to-test-from-src': [
    ['src/cli/faked.ts', '../../test/helpers/fake.ts'],
    ['src/operations/tested.ts', './reveal.test.ts'],
  ],
  'domain-is-pure': [
    ['src/domain/reads-files.ts', 'node:fs'],
    ['src/domain/logs.ts', 'pino'],
    ['src/domain/seals.ts', '../crypto/seal.ts'],
  ],
  'tlog-stands-alone': [
    ['src/tlog/leans-on-domain.ts', '../domain/token.ts'],
    ['src/tlog/parses.ts', 'zod'],
  ],
  'verify-judges-what-it-is-given': [
    ['src/verify/reads-files.ts', 'node:fs'],
    ['src/verify/opens.ts', '../crypto/seal.ts'],
    ['src/verify/parses.ts', 'zod'],
  ],
  'crypto-knows-domain-only': [['src/crypto/stores.ts', '../operations/ports/store.ts']],
  'only-crypto-touches-node-crypto': [
    ['src/operations/hashes.ts', 'node:crypto'],
    ['src/api/http/hashes.ts', 'crypto'],
    ['src/adapters/kms/wraps.ts', '@aws-crypto/encrypt-node'],
    ['src/app/encrypts.ts', 'age-encryption'],
  ],
  'operations-know-no-adapter': [['src/operations/queries.ts', '../adapters/postgres/tokens.ts']],
  'ports-are-contracts': [['src/operations/ports/works.ts', '../reveal.ts']],
  'api-translates': [
    ['src/api/http/stores.ts', '../../adapters/postgres/tokens.ts'],
    ['src/api/http/seals.ts', '../../crypto/seal.ts'],
  ],
  'transports-are-strangers': [['src/api/grpc/server.ts', '../http/server.ts']],
  'adapters-implement-ports': [['src/adapters/postgres/works.ts', '../../operations/reveal.ts']],
  'adapters-are-strangers': [['src/adapters/postgres/copies.ts', '../memory/tokens.ts']],
  'config-and-telemetry-are-leaves': [['src/telemetry/works.ts', '../operations/reveal.ts']],
  'config-arrives-injected': [['src/telemetry/configured.ts', '../config/config.ts']],
  'only-roots-know-app-and-cli': [['src/util/misc.ts', '../app/serve.ts']],
  'no-undeclared-packages': [
    ['src/app/undeclared.ts', 'left-behind'],
    ['src/app/for-tests.ts', 'fast-check'],
    ['src/app/misspelt.ts', './nowhere.ts'],
  ],
};

/** Closes the cycle of `no-circular`, which is reported once. */
const COMPANIONS: Tree = { 'src/operations/pool.ts': ['./loop.ts'] };

const PACKAGES = [
  'zod',
  'pino',
  'fast-check',
  '@aws-crypto/encrypt-node',
  'age-encryption',
  'left-behind',
];

const temporary: string[] = [];
after(() => Promise.all(temporary.map((path) => rm(path, { recursive: true }))));

/** Writes the tree beside copies of the project's own tool settings, with empty packages. */
async function plant(tree: Tree): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'layers-'));
  temporary.push(root);
  const write = async (path: string, text: string) => {
    await mkdir(join(root, dirname(path)), { recursive: true });
    await writeFile(join(root, path), text);
  };
  for (const file of ['.dependency-cruiser.cjs', 'tsconfig.json', 'package.json'])
    await cp(join(ROOT, file), join(root, file));
  for (const name of PACKAGES) {
    await write(`node_modules/${name}/package.json`, JSON.stringify({ name, main: 'index.js' }));
    await write(`node_modules/${name}/index.js`, '');
  }
  for (const [path, imports] of Object.entries(tree))
    await write(
      path,
      `${imports.map((name) => `import '${name}';\n`).join('')}export const a = 1;\n`,
    );
  return root;
}

type Report = {
  summary: {
    totalCruised: number;
    violations: { rule: { name: string }; from: string; to: string }[];
  };
};

function cruise(root: string): Report['summary'] {
  const args = ['--config', '.dependency-cruiser.cjs', '--output-type', 'json', 'src'];
  const run = spawnSync(join(BIN, 'depcruise'), args, { cwd: root, encoding: 'utf8' });
  assert.notEqual(run.stdout, '', run.stderr);
  return (JSON.parse(run.stdout) as Report).summary;
}

test('a tree that uses every allowed arrow passes', async () => {
  const { totalCruised, violations } = cruise(await plant(CLEAN));
  assert.deepEqual(violations, []);
  assert.ok(totalCruised > Object.keys(CLEAN).length, `only ${totalCruised} modules cruised`);
});

test('each rule reports its violation, as an error, and no rule reports anything else', async () => {
  const planted = Object.values(VIOLATIONS).flat();
  const files = planted.map(([file, imported]) => [file, imported === '' ? [] : [imported]]);
  const tree = { ...CLEAN, ...COMPANIONS, ...(Object.fromEntries(files) as Tree) };

  const { violations } = cruise(await plant(tree));

  const reported = new Set(violations.map(({ rule, from }) => `${rule.name}: ${from}`));
  const expected = Object.entries(VIOLATIONS).flatMap(([rule, list]) =>
    list.map(([file]) => `${rule}: ${file}`),
  );
  assert.deepEqual([...reported].sort(), expected.sort());
});

test('every rule has a planted violation, and none is a mere warning', () => {
  const rules = CONFIG.forbidden.map(({ name }) => name);
  assert.deepEqual(rules.sort(), Object.keys(VIOLATIONS).sort());
  assert.deepEqual(
    CONFIG.forbidden.filter(({ severity }) => severity !== 'error'),
    [],
  );
});

test('npm run check fails when a tool saw no file', async () => {
  const root = await plant({ 'src/README.md': [], 'examples/a.ts': [] });
  await cp(join(ROOT, 'scripts', 'check.ts'), join(root, 'scripts', 'check.ts'));
  await mkdir(join(root, 'node_modules', '.bin'));
  const tools = {
    biome: 'echo "Checked 99 files in 1ms."',
    tsc: `for i in $(seq 99); do echo "${root}/src/$i.ts"; done`,
    depcruise: `exec "${join(BIN, 'depcruise')}" "$@"`,
    knip: 'true',
  };
  for (const [name, script] of Object.entries(tools)) {
    const path = join(root, 'node_modules', '.bin', name);
    await writeFile(path, `#!/bin/sh\n${script}\n`);
    await chmod(path, 0o755);
  }

  const check = () =>
    spawnSync(process.execPath, [join(root, 'scripts', 'check.ts')], {
      cwd: root,
      encoding: 'utf8',
    });

  const run = check();
  assert.equal(run.status, 1);
  assert.match(run.stderr, /layers failed \(depcruise: it checked only 0 files\)/);

  await writeFile(join(root, 'node_modules', '.bin', 'tsc'), '#!/bin/sh\ntrue\n');
  assert.match(check().stderr, /types failed \(tsc: it checked only 0 files\)/);
});
