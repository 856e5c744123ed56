// Instances of `counterfoil serve` as an operator runs them: processes of their own on one database, each with
// a folder of its own for what it has signed.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createTestDatabase } from '../helpers/database.ts';
import { readUnbudgetedPolicy } from '../helpers/operations.ts';
import { type Ended, type Program, startProgram } from '../helpers/process.ts';
import { sharedRedisUrl } from '../helpers/redis.ts';
import { AUDIENCE, makeKey, signToken, startIssuerServer } from '../transport/issuer.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');
const START_WITHIN_MS = 60_000;
export const ORIGIN = 'log.test/audit';

/** One line of an instance's log. */
export type Line = { event: string; [member: string]: unknown };

/** What a caller heard. `status` 0: nothing, the connection broke. */
export type Answer = {
  status: number;
  eventId: string | undefined;
  headers: Headers;
  body: Record<string, unknown>;
};

export type Instance = {
  http: string;
  admin: string;
  pid: number;
  headFolder: string;
  /** All lines of its log so far. */
  lines(): Line[];
  /** POSTs below `/v1/`; whatever happens is an answer. */
  post(role: string, path: string, body: object, headers?: object): Promise<Answer>;
  /** Ends it with a signal, and waits for its end. */
  end(signal: NodeJS.Signals): Promise<Ended>;
};

export type Cluster = {
  database: Awaited<ReturnType<typeof createTestDatabase>>;
  rootKey: Buffer;
  /** Starts one more; `name` says whose head folder it has. */
  start(name: string, options?: StartOptions): Promise<Instance>;
  /** Every process that was started, in order of their starts. */
  started: readonly Instance[];
  /** A bearer token of a role, good for an hour before and after the time that is given. */
  tokenFor(role: string, nowMs?: number): string;
  /** Ends what still runs, and removes everything. */
  close(): Promise<void>;
};

/** Settings beside those that make it one of the cluster. */
type StartOptions = {
  env?: Record<string, string>;
  /** Instead of the program's own entry. */
  main?: string;
  /** What the clock of the program says. */
  now?: () => number;
};

/** Makes the place in which instances run; none runs yet. */
export async function openCluster(): Promise<Cluster> {
  const folder = await mkdtemp(join(tmpdir(), 'counterfoil-cluster-'));
  const database = await createTestDatabase();
  const key = makeKey('ES256', 'key-1');
  const documents = new Map<string, string>();
  const issuer = await startIssuerServer(documents);
  const discovery = { issuer: issuer.url, jwks_uri: `${issuer.url}/keys` };
  documents.set('/.well-known/openid-configuration', JSON.stringify(discovery));
  documents.set('/keys', JSON.stringify({ keys: [key.jwk] }));
  // That of `openKeysets`, so that a test can look into the log itself.
  const rootKey = Buffer.alloc(32, 7);
  const rootKeyPath = join(folder, 'root.key');
  await writeFile(rootKeyPath, rootKey, { mode: 0o600 });
  const policies = join(folder, 'policies');
  await mkdir(policies);
  await writeFile(join(policies, 'demo.yaml'), readUnbudgetedPolicy());
  const started: Instance[] = [];
  // Those that are not ready yet, too.
  const programs: Program[] = [];

  const tokenFor = (role: string, nowMs = Date.now()) => {
    const seconds = Math.floor(nowMs / 1_000);
    const times = { iat: seconds, nbf: seconds - 3_600, exp: seconds + 3_600 };
    const mfa = role === 'supervisor' ? { amr: ['mfa'] } : {};
    const who = { iss: issuer.url, aud: AUDIENCE, sub: `person-${role}`, roles: [role] };
    return signToken(key, { ...who, ...times, ...mfa, vaults: '*' });
  };

  const start: Cluster['start'] = async (name, { env = {}, main = MAIN, now = Date.now } = {}) => {
    const headFolder = join(folder, `head-${name}`);
    const settings = {
      COUNTERFOIL_KEYRING: `raw-aes:${rootKeyPath}`,
      DATABASE_URL: database.serviceUrl,
      REDIS_URL: sharedRedisUrl(),
      COUNTERFOIL_POLICIES: policies,
      COUNTERFOIL_OIDC_ISSUER: issuer.url,
      COUNTERFOIL_OIDC_AUDIENCE: AUDIENCE,
      COUNTERFOIL_HTTP_PORT: '0',
      COUNTERFOIL_ADMIN_PORT: '0',
      COUNTERFOIL_AUDIT_ORIGIN: ORIGIN,
      COUNTERFOIL_AUDIT_HEAD: headFolder,
    };
    const command = [process.execPath, '--disable-proto=delete', main, 'serve'];
    const spawned = startProgram(command, { env: { ...settings, ...env } });
    programs.push(spawned);
    const program = await waitForServe(spawned);
    const instance: Instance = {
      ...program,
      headFolder,
      post: (role, path, body, headers) =>
        post(`${program.http}/v1/${path}`, body, {
          authorization: `Bearer ${tokenFor(role, now())}`,
          ...headers,
        }),
    };
    started.push(instance);
    return instance;
  };

  const close = async () => {
    for (const { child } of programs) child.kill('SIGKILL');
    await Promise.all(programs.map(({ ended }) => ended));
    await issuer.close();
    await database.drop();
    await rm(folder, { recursive: true, force: true });
  };
  return { database, rootKey, start, started, tokenFor, close };
}

/** Finds its ports in its log. Rejects with its output when it ends before. */
async function waitForServe({ child, pid, printed, ended }: Program) {
  let end: Ended | undefined;
  void ended.then((how) => {
    end = how;
  });
  const lines = () => printed().split('\n').flatMap(parseLine);
  const giveUpAtMs = performance.now() + START_WITHIN_MS;
  while (end === undefined && performance.now() < giveUpAtMs) {
    const ready = lines().find(({ event }) => event === 'listening');
    if (ready !== undefined) {
      const { http, admin } = ready as unknown as { http: string; admin: string };
      const kill = (signal: NodeJS.Signals) => {
        child.kill(signal);
        return ended;
      };
      return { http, admin, pid, lines, end: kill };
    }
    await sleep(20);
  }
  child.kill('SIGKILL');
  const { code, stdout, stderr } = await ended;
  throw new Error(`serve did not start (exit ${code}):\n${stdout}${stderr}`);
}

/** Nothing for the last line while it is being written. */
function parseLine(text: string): Line[] {
  try {
    return [JSON.parse(text) as Line];
  } catch {
    return [];
  }
}

async function post(url: string, body: object, headers: object): Promise<Answer> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(10_000),
    });
    const eventId = response.headers.get('audit-event-id') ?? undefined;
    const answer = (await response.json()) as Record<string, unknown>;
    return { status: response.status, eventId, headers: response.headers, body: answer };
  } catch {
    return { status: 0, eventId: undefined, headers: new Headers(), body: {} };
  }
}
