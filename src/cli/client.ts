import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileProblem } from '../app/start-error.ts';
import { isLoopback, serviceUrl } from '../config/formats.ts';
import type { Config } from '../config/load-config.ts';
import { ERRORS, type ErrorCode, type Problem, VaultError } from '../domain/errors.ts';
import { printable } from './printable.ts';

type ClientRequest = {
  method: 'GET' | 'POST';
  /** Begins with a slash; with its query string, if any. */
  path: string;
  /** Sent as JSON. */
  body?: unknown;
  /** Sent as it is, in place of `body`. */
  json?: string;
  /** Beside those that every request has. */
  headers?: Readonly<Record<string, string>>;
};

/** The service, as its REST clients see it. */
export type Client = {
  /** Without a slash at the end. */
  baseUrl: string;
  /**
   * Resolves to a successful answer (2xx), whose body is still to be read. Rejects with lines for the
   * operator when the service cannot be reached, redirects or refuses; a refusal keeps its code.
   */
  request(input: ClientRequest): Promise<Response>;
};

/** Where the service is, and what opens it. */
type Access = { baseUrl: string; token: string };

const DEV_ROLE = 'auditor';
const PROBLEM_TYPE = /^application\/problem\+json\b/;

/**
 * Opens the service of COUNTERFOIL_URL with COUNTERFOIL_TOKEN; without an URL, the one that runs with `dev` in
 * the data directory, in the role `devRole`. Rejects with one line when there is neither.
 */
export async function openClient(config: Config, devRole = DEV_ROLE): Promise<Client> {
  const { baseUrl, token } = await findAccess(config, devRole);
  return {
    baseUrl,
    request: async ({ method, path, body, headers, ...given }) => {
      const json = body === undefined ? given.json : JSON.stringify(body);
      const response = await fetch(`${baseUrl}${path}`, {
        method,
        headers: {
          ...headers,
          authorization: `Bearer ${token}`,
          ...(json !== undefined && { 'content-type': 'application/json' }),
        },
        ...(json !== undefined && { body: json }),
        // The token is for this service and no other.
        redirect: 'manual',
      }).catch((cause: unknown) => {
        throw failure(`The service at ${baseUrl} cannot be reached${why(cause)}.`, cause);
      });
      if (!response.ok) {
        throw await describeRefusal(baseUrl, response);
      }
      return response;
    },
  };
}

/** As `openClient` finds it: the address, without a slash at the end, and the token that belongs to it. */
export async function findAccess(config: Config, devRole = DEV_ROLE): Promise<Access> {
  const token = config.client.token?.reveal();
  // What else a header cannot hold, `fetch` would quote in its error.
  if (token !== undefined && !/^[\x21-\x7e]+$/.test(token)) {
    throw failure('COUNTERFOIL_TOKEN is no bearer token: it has spaces or control characters.');
  }
  if (config.client.url === undefined) {
    const dev = await readDevAccess(resolve(config.dataDir), devRole);
    return { ...dev, ...(token !== undefined && { token }) };
  }
  if (token === undefined) {
    throw failure('COUNTERFOIL_TOKEN is required together with COUNTERFOIL_URL.');
  }
  return { baseUrl: new URL(config.client.url).origin, token };
}

async function readDevAccess(dataDir: string, role: string): Promise<Access> {
  const path = join(dataDir, 'dev.json');
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'ENOENT'
      ? failure(
          `No Counterfoil is running in ${dataDir}: start it, or set COUNTERFOIL_URL and COUNTERFOIL_TOKEN.`,
        )
      : fileProblem(`Cannot read ${path}`, error);
  });
  const facts = parseObject(text);
  const baseUrl = facts['http'];
  const tokens = parseMembers(facts['tokens']);
  const token = Object.hasOwn(tokens, role) ? tokens[role] : undefined;
  if (!isLoopbackUrl(baseUrl) || Object.keys(tokens).length === 0) {
    throw failure(`${path} is not what dev writes: start it again.`);
  }
  if (typeof token !== 'string') {
    throw failure(
      `The service that runs with dev has no role ${printable(role)}: it has ${Object.keys(tokens).map(printable).join(', ')}.`,
    );
  }
  return { baseUrl: new URL(baseUrl).origin, token };
}

/** A folder that somebody else filled must not send a token off the machine. */
function isLoopbackUrl(value: unknown): value is string {
  return (
    typeof value === 'string' &&
    serviceUrl.safeParse(value).success &&
    isLoopback(new URL(value).hostname)
  );
}

async function describeRefusal(baseUrl: string, response: Response): Promise<VaultError> {
  const { status } = response;
  if (!PROBLEM_TYPE.test(response.headers.get('content-type') ?? '')) {
    await response.body?.cancel();
    const isRedirect = status >= 300 && status < 400;
    const hint = isRedirect ? ': redirects are not followed, set COUNTERFOIL_URL' : '';
    const detail = `The service at ${baseUrl} answered with status ${status}${hint}.`;
    // What may pass, like a proxy without a service behind it; else it is another service.
    const mayPass = status >= 500 || status === 429;
    return new VaultError(mayPass ? 'internal' : 'invalid_request', { detail });
  }
  const problem = parseObject(await response.text().catch(() => ''));
  const name = String(problem['code']);
  const code: ErrorCode = Object.hasOwn(ERRORS, name) ? (name as ErrorCode) : 'internal';
  const title = printable(String(problem['title']));
  return new VaultError(code, {
    detail: `The service refuses: ${title} (${printable(name)}, status ${status}).`,
    problems: readErrors(problem['errors']),
  });
}

function readErrors(errors: unknown): Problem[] {
  return (Array.isArray(errors) ? errors : []).map(parseMembers).map(({ path, rule }) => ({
    path: printable(String(path)),
    rule: printable(String(rule)),
  }));
}

function parseObject(text: string): Record<string, unknown> {
  try {
    return parseMembers(JSON.parse(text));
  } catch {
    return {};
  }
}

function parseMembers(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

/** The system's code alone: texts of `fetch` can quote what was sent. */
function why(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && 'code' in cause ? ` (${String(cause.code)})` : '';
}

function failure(detail: string, cause?: unknown): VaultError {
  return new VaultError('internal', { detail, cause });
}
