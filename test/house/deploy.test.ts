import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { DCLinter } from 'dclint';
import { validate } from 'dockerfile-utils';
import { parse } from 'yaml';

const ROOT = join(import.meta.dirname, '..', '..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

const DOCKERFILE = read('deploy/Dockerfile');
const COMPOSE = read('docker-compose.yml');

type Service = {
  image?: string;
  user?: string;
  build?: { dockerfile?: string };
  restart?: string;
  environment?: Record<string, string>;
  ports?: string[];
  healthcheck?: { test?: string[]; disable?: boolean };
  depends_on?: Record<string, { condition: string }>;
  cap_drop?: string[];
  security_opt?: string[];
  read_only?: boolean;
  privileged?: boolean;
  ulimits?: { core?: number };
  volumes?: (string | { source: string })[];
};
const { services } = parse(COMPOSE, { merge: true }) as { services: Record<string, Service> };

/** Instructions one a line, without comments. */
const INSTRUCTIONS = DOCKERFILE.replace(/^#.*\n/gm, '')
  .replace(/\\\n\s*/g, '')
  .split('\n')
  .filter(Boolean);

/** The arguments of every such instruction, in order; of the final stage only, if asked. */
function argumentsOf(keyword: string, where: 'anywhere' | 'final stage' = 'anywhere'): string[] {
  const start = INSTRUCTIONS.findLastIndex((line) => line.startsWith('FROM '));
  return INSTRUCTIONS.slice(where === 'anywhere' ? 0 : start)
    .filter((line) => line.startsWith(`${keyword} `))
    .map((line) => line.slice(keyword.length + 1));
}

const effective = (keyword: string) => argumentsOf(keyword, 'final stage').at(-1) ?? '';

test('the Dockerfile lints clean', () => {
  assert.deepEqual(validate(DOCKERFILE), []);
});

test('the image is built in stages, from one base that names a version', () => {
  const [base = ''] = argumentsOf('ARG');
  const version = /^BASE=node:(\d+\.\d+\.\d+)-/.exec(base)?.[1];
  assert.equal(version, JSON.parse(read('package.json')).devDependencies.node);
  const stages = argumentsOf('FROM');
  assert.ok(stages.length >= 2);
  for (const stage of stages) assert.match(stage, /^\$\{BASE\} AS \w+$/);
});

test('the image runs as a numeric user that is not root, and nothing is added over the network', () => {
  assert.match(effective('USER'), /^[1-9]\d*:[1-9]\d*$/);
  assert.deepEqual(argumentsOf('ADD'), []);
  assert.doesNotMatch(DOCKERFILE, /\b(curl|wget|latest)\b/);
});

test('no build argument, variable or copied file can be a secret', () => {
  for (const line of [...argumentsOf('ARG'), ...argumentsOf('ENV')])
    assert.doesNotMatch(line, /PASSWORD|SECRET|TOKEN|KEY/i);
  for (const line of argumentsOf('COPY')) assert.doesNotMatch(line, /^\.\/?\s|\.env|\.key/);
  assert.match(read('.dockerignore'), /^\*$/m, 'the build context is a list of what may enter');
});

test('everything that the Dockerfile copies exists and passes .dockerignore', () => {
  const allowed = read('.dockerignore').split('\n');
  const copied = argumentsOf('COPY')
    .filter((line) => !line.startsWith('--from='))
    .flatMap((line) => line.split(' ').slice(0, -1));
  assert.ok(copied.includes('src') && copied.includes('migrations'));
  for (const path of copied) {
    assert.ok(existsSync(join(ROOT, path)), path);
    assert.ok(allowed.includes(`!${path}`), path);
  }
});

test('the service is process 1, gets SIGTERM, and no signal or prototype opens it', () => {
  assert.deepEqual(JSON.parse(effective('ENTRYPOINT')), [
    'node',
    '--disable-proto=delete',
    '--disable-sigusr1',
    '--max-semi-space-size=8',
    '--heap-growing-percent=30',
    '--no-parallel-scavenge',
    'dist/main.js',
  ]);
  assert.deepEqual(JSON.parse(effective('CMD')), ['serve']);
  assert.equal(effective('STOPSIGNAL'), 'SIGTERM');
  assert.match(effective('HEALTHCHECK'), /CMD \["node"/);
});

test('the image brings production packages only, and no package runs a script in the build', () => {
  const installs = argumentsOf('RUN').filter((line) => line.startsWith('npm ci'));
  assert.equal(installs.length, 2);
  for (const line of installs) assert.match(line, / --ignore-scripts /);
  assert.match(installs[1] ?? '', /--omit=dev --omit=optional/);
  assert.ok(
    argumentsOf('COPY', 'final stage').some((line) => /^--from=packages .*node_modules/.test(line)),
  );
});

test('docker-compose.yml fits the Compose specification and lints clean', () => {
  // Our order is by meaning, not by alphabet.
  const rules = {
    'service-keys-order': 0,
    'services-alphabetical-order': 0,
    'top-level-properties-order': 0,
  } as const;
  const linter = new DCLinter({ rules, quiet: false, debug: false, exclude: [] });
  const results: { messages: unknown[] }[] = linter.lintFiles(
    [join(ROOT, 'docker-compose.yml')],
    false,
  );
  assert.deepEqual(
    results.map(({ messages }) => messages),
    [[]],
  );
});

test('every compose service is stripped of rights', () => {
  assert.deepEqual(Object.keys(services).sort(), ['counterfoil', 'migrate', 'postgres', 'redis']);
  for (const [name, service] of Object.entries(services)) {
    assert.deepEqual(service.cap_drop, ['ALL'], name);
    assert.deepEqual(service.security_opt, ['no-new-privileges:true'], name);
    assert.equal(service.read_only, true, name);
    assert.equal(service.privileged, undefined, name);
    assert.equal(service.ulimits?.core, 0, name);
    assert.ok(service.build !== undefined || /^[1-9]\d*:[1-9]\d*$/.test(service.user ?? ''), name);
    assert.doesNotMatch(JSON.stringify(service.volumes ?? []), /docker\.sock/, name);
  }
});

test('every compose service that stays up is health-checked, and waited for', () => {
  const awaited = Object.values(services).flatMap((one) => Object.entries(one.depends_on ?? {}));
  for (const [name, service] of Object.entries(services)) {
    const runsOnce = awaited.some(
      ([other, { condition }]) => other === name && condition === 'service_completed_successfully',
    );
    assert.equal(service.healthcheck?.disable === true, runsOnce, name);
    assert.ok(runsOnce || (service.healthcheck?.test?.length ?? 0) > 1, name);
  }
  assert.ok(awaited.every(([, { condition }]) => condition !== 'service_started'));
  assert.equal(services['counterfoil']?.depends_on?.['postgres']?.condition, 'service_healthy');
});

test('only the REST port is published, on loopback', () => {
  const published = Object.entries(services).flatMap(([name, one]) =>
    (one.ports ?? []).map((port) => `${name} ${port}`),
  );
  assert.deepEqual(published, ['counterfoil 127.0.0.1:8080:8080']);
});

test('every image is pinned to a version', () => {
  for (const [name, { image = '' }] of Object.entries(services))
    assert.match(image, /^[a-z]+:\d+\.\d+(\.\d+)?$/, name);
});

test('every password comes from the environment, and its absence is an error that says what to do', () => {
  for (const { environment = {} } of Object.values(services))
    for (const [name, value] of Object.entries(environment))
      if (/PASSWORD|AUTH$|SECRET|TOKEN/.test(name))
        assert.match(value, /^\$\{\w+:\?[^}]+\}$/, name);
  assert.doesNotMatch(COMPOSE.replace(/^\s*#.*$/gm, ''), /:\/\/[^:@/\s]+:(?!\$\{\w+:\?)[^@\s]*@/);
  assert.doesNotMatch(COMPOSE, /\$\{\w+:?-/, 'no default stands in for a missing setting');
  assert.doesNotMatch(COMPOSE, /\$\w/, 'no interpolation without braces');
});

test('the service never holds the password of the database owner', () => {
  assert.doesNotMatch(JSON.stringify(services['counterfoil']), /OWNER_PASSWORD|MIGRATE_URL/);
  assert.match(
    services['counterfoil']?.environment?.['COUNTERFOIL_KEYRING'] ?? '',
    /^raw-aes:\/run\/secrets\//,
  );
});
