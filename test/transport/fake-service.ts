import type { Limits } from '../../src/api/http/limits.ts';
import { sensitiveNames } from '../../src/api/http/schemas/sensitive.ts';
import { makeHttpServer } from '../../src/api/http/server.ts';
import type { Principal } from '../../src/domain/access/principal.ts';
import { type ErrorCode, VaultError } from '../../src/domain/errors.ts';
import type { Call, Caller } from '../../src/operations/call.ts';
import type { ItemError, Operations, StreamOperation } from '../../src/operations/operation.ts';
import { itemError } from '../../src/operations/steps/batch.ts';
import { makeLogger } from '../../src/telemetry/logger.ts';
import { makeMetrics } from '../../src/telemetry/metrics.ts';

export const TOKEN = 'good-credential';
export const TOKENIZE = '/v1/vaults/demo/tokenize';
export const DETOKENIZE = '/v1/vaults/demo/detokenize';

const PRINCIPAL: Principal = {
  subject: 'someone',
  issuer: 'https://issuer.example',
  roles: ['app'],
  vaults: '*',
  mfa: false,
  credential: 'jwt:test',
};

const EVENT = {
  id: 'ad17tOA3GVe2VrdjjpfYYQ',
  index: 7,
  shard: '2026',
  time: '2026-01-01T00:00:00.000Z',
  action: 'detokenize',
  outcome: 'allow',
  status: 200,
  items: 1,
} as const;

export type Seen = { operation: string; call: Partial<Call>; input: unknown };

const receipt = (eventId: string) => ({ eventId });

/** Operations that answer at once and remember what they were asked. */
export function makeFakeOperations(seen: Seen[]): Operations {
  const answering =
    <Output>(operation: string, output: Output) =>
    async (call: Call | Caller, input: unknown) => {
      seen.push({ operation, call, input });
      return { output, receipt: receipt(`event-${operation}`) };
    };
  const serving =
    <Output>(operation: string, output: Output) =>
    async (input: unknown) => {
      seen.push({ operation, call: {}, input });
      return output;
    };
  const streaming =
    <Input, Line>(operation: string, line: Line): StreamOperation<Input, Line | ItemError> =>
    async (call, windows) => {
      const answers = (async function* () {
        for await (const items of windows) {
          for (const item of items) seen.push({ operation, call, input: item });
          yield items.map((item) => ('failure' in item ? itemError(item.failure) : line));
        }
      })();
      return { output: answers, receipt: receipt(`event-${operation}`) };
    };
  const value = { value: 'in clear', field: 'email', view: 'full' };
  return {
    tokenize: answering('tokenize', { token: 'tok_1' }),
    tokenizeBatch: answering('tokenizeBatch', { items: [{ token: 'tok_1' }] }),
    detokenize: answering('detokenize', value),
    detokenizeBatch: answering('detokenizeBatch', { items: [value] }),
    lookup: answering('lookup', { token: 'tok_1' }),
    inspect: answering('inspect', { field: 'email', createdAt: '2026-01-01T00:00:00.000Z' }),
    revoke: answering('revoke', { revoked: 1 }),
    tokenizeStream: streaming('tokenizeStream', { token: 'tok_1' }),
    detokenizeStream: streaming('detokenizeStream', value),
    importTokens: answering('importTokens', { items: [{ token: 'tok_1' }] }),
    search: answering('search', { items: [], cursor: 'more' }),
    eraseSubject: answering('eraseSubject', { erased: 1, receipt: 'signed' }),
    exportSubject: answering('exportSubject', {
      fields: { email: [{ token: 'tok_1', value: 'in clear', createdAt: EVENT.time }] },
    }),
    stats: answering('stats', { fields: [] }),
    exportVault: async (call, input) => {
      const content = (async function* () {
        yield Buffer.from('age-encryption.org/v1\n');
      })();
      return answering('exportVault', { content })(call, input);
    },
    auditSearch: answering('auditSearch', { events: [EVENT] }),
    auditEvent: answering('auditEvent', EVENT),
    auditReceipt: answering('auditReceipt', 'c2sp.org/tlog-proof@v1\n'),
    auditExport: async (caller, input) => {
      const content = (async function* () {
        yield Buffer.from('{}\n');
      })();
      return answering('auditExport', { shard: '2026', content })(caller, input);
    },
    auditEntries: answering('auditEntries', Buffer.from('entries')),
    auditCheckpoint: serving('auditCheckpoint', 'log\n1\nroot\n'),
    auditTile: serving('auditTile', Buffer.from('hashes')),
    auditVerifierKeys: serving('auditVerifierKeys', 'log+key\n'),
    erasureVerifierKeys: serving('erasureVerifierKeys', 'erasures+key\n'),
    auditPublished: async () => true,
    reject: async (call, error) => {
      seen.push({ operation: 'reject', call, input: error.code });
      return receipt('event-reject');
    },
    authFailed: (source) => {
      seen.push({ operation: 'authFailed', call: { source }, input: undefined });
    },
  };
}

export type FakeOptions = {
  operations?: Partial<Operations>;
  limits?: Partial<Limits>;
  authenticate?: (authorization: string | undefined) => Promise<Principal>;
  trustProxy?: readonly string[];
};

/** The real HTTP server over fake operations, with its log lines, metrics and calls in sight. */
export function makeFakeService(options: FakeOptions = {}) {
  const seen: Seen[] = [];
  const lines: string[] = [];
  const metrics = makeMetrics();
  const { operations, ...others } = options;
  const app = makeHttpServer({
    operations: { ...makeFakeOperations(seen), ...operations },
    authenticate: async (authorization) => {
      if (authorization !== `Bearer ${TOKEN}`) {
        throw new VaultError('unauthenticated');
      }
      return PRINCIPAL;
    },
    logger: makeLogger({
      level: 'debug',
      redact: sensitiveNames(),
      destination: { write: (line) => lines.push(line) },
    }),
    metrics,
    ...others,
  });
  return {
    app,
    seen,
    lines,
    metrics,
    /** GETs as the known caller. */
    get: (url: string, headers: Record<string, string> = {}) =>
      app.inject({ method: 'GET', url, headers: { authorization: `Bearer ${TOKEN}`, ...headers } }),
    /** POSTs a body as the known caller; `headers` replace or add. */
    post: (url: string, body: string | Buffer | object, headers: Record<string, string> = {}) =>
      app.inject({
        method: 'POST',
        url,
        headers: {
          authorization: `Bearer ${TOKEN}`,
          'content-type': 'application/json',
          ...headers,
        },
        payload: typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body),
      }),
  };
}

export const GOOD_BODY = { field: 'email', value: 'ada@example.com' };

/** What an operation does that fails with this code, after having put it on record, or not. */
export function failing(code: ErrorCode, auditEventId?: string) {
  return async (): Promise<never> => {
    const error = new VaultError(code, { detail: 'for the log' });
    error.auditEventId = auditEventId;
    throw error;
  };
}
