import { isLoopback, trustedUrl } from './formats.ts';
import { VARIABLES } from './variables.ts';

/** For which command the configuration is read. */
export type Mode = 'dev' | 'serve' | 'migrate' | 'client';

type Present = Readonly<Record<string, string>>;

/** The name of the issuer that signs `dev` tokens; its key lies in a folder, so `serve` refuses it. */
export const DEV_ISSUER = 'counterfoil-dev';

/** Where the test suite finds larger published vectors; no setting of the program. */
const FOR_TESTS = 'COUNTERFOIL_TEST_VECTORS';

const RULES: Record<Mode, (env: Present) => string[]> = {
  dev: (env) => [
    ...problemIf(
      env['COUNTERFOIL_HOST'] !== undefined && !isLoopback(env['COUNTERFOIL_HOST']),
      'COUNTERFOIL_HOST must be a loopback address: dev trusts tokens that anyone with its folder can make; use `counterfoil serve` to be reached from elsewhere',
    ),
    ...['DATABASE_URL', 'COUNTERFOIL_MIGRATE_URL'].flatMap((name) =>
      problemIf(
        env[name] !== undefined,
        `${name} must not be set: dev brings its own Postgres and keeps its root key beside it; use \`counterfoil serve\` with a database of your own`,
      ),
    ),
  ],
  serve: (env) => [
    ...required(env, [
      'DATABASE_URL',
      'COUNTERFOIL_KEYRING',
      'COUNTERFOIL_OIDC_ISSUER',
      'COUNTERFOIL_OIDC_AUDIENCE',
    ]),
    ...checkIssuer(env['COUNTERFOIL_OIDC_ISSUER']),
    ...checkTls(env),
    ...checkHead(env),
  ],
  migrate: (env) =>
    problemIf(
      env['COUNTERFOIL_MIGRATE_URL'] === undefined && env['DATABASE_URL'] === undefined,
      'COUNTERFOIL_MIGRATE_URL is required (or DATABASE_URL, if that is the owner role)',
    ),
  client: () => [],
};

/** What is wrong with the set of variables as a whole, whatever the single values are. */
export function findProblems(env: Present, mode: Mode): string[] {
  return [...findUnknown(env), ...RULES[mode](env)];
}

function required(env: Present, names: readonly string[]): string[] {
  return names.flatMap((name) => problemIf(env[name] === undefined, `${name} is required`));
}

function checkIssuer(issuer: string | undefined): string[] {
  if (issuer === DEV_ISSUER) {
    return ['COUNTERFOIL_OIDC_ISSUER must not be the dev issuer: serve never trusts it'];
  }
  return problemIf(
    issuer !== undefined && !trustedUrl.safeParse(issuer).success,
    'COUNTERFOIL_OIDC_ISSUER must be an https URL (http only on a loopback address)',
  );
}

function checkTls(env: Present): string[] {
  const one = env['COUNTERFOIL_TLS_CERT'] === undefined;
  const other = env['COUNTERFOIL_TLS_KEY'] === undefined;
  return problemIf(one !== other, 'COUNTERFOIL_TLS_CERT and COUNTERFOIL_TLS_KEY come together');
}

/** A memory that is restored together with what it remembers is none. */
function checkHead(env: Present): string[] {
  const place = (url: string | undefined) => {
    const { host, pathname } = URL.parse(url ?? '') ?? {};
    return `${host}${pathname}`;
  };
  const { COUNTERFOIL_AUDIT_HEAD: head, DATABASE_URL: database } = env;
  return problemIf(
    head?.includes('://') === true && place(head) === place(database),
    'COUNTERFOIL_AUDIT_HEAD must be another database than DATABASE_URL: it remembers what that one may lose',
  );
}

/** A misspelt setting must not fall back to its default in silence. */
function findUnknown(env: Present): string[] {
  const known = Object.keys(VARIABLES.shape);
  return Object.keys(env)
    .filter((name) => name.startsWith('COUNTERFOIL_') && name !== FOR_TESTS)
    .filter((name) => !known.includes(name))
    .map((name) => {
      const near = known.find((candidate) => differsByAFew(candidate, name));
      return `${name} is not a setting${near === undefined ? '' : `: did you mean ${near}?`}`;
    });
}

/** True when at most two letters at one place tell the names apart: enough for a slip of the pen. */
function differsByAFew(known: string, name: string): boolean {
  const shorter = Math.min(known.length, name.length);
  let head = 0;
  while (head < shorter && known[head] === name[head]) {
    head += 1;
  }
  let tail = 0;
  while (tail < shorter - head && known.at(-1 - tail) === name.at(-1 - tail)) {
    tail += 1;
  }
  return Math.max(known.length, name.length) - head - tail <= 2;
}

function problemIf(condition: boolean, problem: string): string[] {
  return condition ? [problem] : [];
}
