import { ERRORS, type ErrorCode } from '../../domain/errors.ts';
import type { Route } from './route.ts';
import { VAULT_PREFIX } from './route.ts';
import { ROUTES } from './routes/table.ts';
import { documentedSchema, type JsonSchema } from './schemas/json-schema.ts';
import { problemAnswer } from './schemas/problem.ts';

/** Version of the interface, not of the service: it changes when calls do. */
const API_VERSION = '1.0.0';

/** What every call can answer. */
const COMMON_ERRORS: readonly ErrorCode[] = [
  'invalid_request',
  'unauthenticated',
  'forbidden',
  'vault_not_found',
  'payload_too_large',
  'unsupported_media_type',
  'rate_limited',
  'headers_too_large',
  'internal',
  'audit_unavailable',
  'store_unavailable',
  'key_unavailable',
  'overloaded',
];

type Content = { [mediaType: string]: { schema: JsonSchema; example?: unknown } };
type Answer = { description: string; headers?: object; content: Content };

/** One call, as OpenAPI describes it. */
export type DocumentedCall = {
  operationId: string;
  summary: string;
  description: string;
  parameters: readonly { name: string; description: string }[];
  requestBody: { required: true; content: Content };
  responses: { [status: string]: Answer };
};

export type OpenApiDocument = {
  openapi: '3.1.1';
  info: { title: string; version: string; description: string };
  servers: readonly { url: string }[];
  security: readonly object[];
  paths: { [path: string]: { post: DocumentedCall } };
  components: object;
};

/** The OpenAPI 3.1 description of the API, from the routes, their schemas and the error table. */
export function openApiDocument(): OpenApiDocument {
  return {
    openapi: '3.1.1',
    info: {
      title: 'Counterfoil',
      version: API_VERSION,
      description:
        'A tokenization vault: swaps sensitive values for tokens, gives them back under a policy, ' +
        'and proves who saw what.',
    },
    servers: [{ url: '/' }],
    security: [{ bearer: [] }],
    paths: Object.fromEntries(ROUTES.map((route) => [pathOf(route), { post: describe(route) }])),
    components: {
      securitySchemes: {
        bearer: {
          type: 'http',
          scheme: 'bearer',
          bearerFormat: 'JWT',
          description: 'A JWT of a configured OpenID Connect issuer (EdDSA, ES256 or RS256).',
        },
      },
      schemas: { Problem: problemSchema() },
    },
  };
}

/** The document as it is committed and served: the same routes give the same bytes. */
export function renderOpenApi(): string {
  return `${JSON.stringify(openApiDocument(), undefined, 2)}\n`;
}

function pathOf({ path }: Route): string {
  return `${VAULT_PREFIX.replace(':vault', '{vault}')}${path}`;
}

function describe(route: Route): DocumentedCall {
  const { operationId, summary, description, body, reply, example } = route;
  const parameter = {
    name: 'vault',
    in: 'path',
    required: true,
    description: 'The vault. One that the caller has no role in answers as if it did not exist.',
    schema: { type: 'string' },
  };
  const ok: Answer = {
    description: 'Done, and on record.',
    headers: ANSWER_HEADERS,
    content: jsonContent(documentedSchema(reply, 'output'), example.reply),
  };
  return {
    operationId,
    summary,
    description,
    parameters: [parameter],
    requestBody: {
      required: true,
      content: jsonContent(documentedSchema(body, 'input'), example.body),
    },
    responses: { 200: ok, ...problemsOf([...COMMON_ERRORS, ...route.errors]) },
  };
}

function jsonContent(schema: JsonSchema, example: unknown): Content {
  return { 'application/json': { schema, example } };
}

const ANSWER_HEADERS = {
  'X-Request-Id': { description: 'Id of this request.', schema: { type: 'string' } },
  'Audit-Event-Id': {
    description: 'Id of the audit event that records this request.',
    schema: { type: 'string' },
  },
};

/** One answer per status, listing its codes. */
function problemsOf(codes: readonly ErrorCode[]): { [status: string]: Answer } {
  const statuses = new Set(codes.map((code) => ERRORS[code].status));
  return Object.fromEntries(
    [...statuses].map((status) => [
      status,
      {
        description: codes
          .filter((code) => ERRORS[code].status === status)
          .map((code) => `\`${code}\`: ${ERRORS[code].title}.`)
          .join(' '),
        content: {
          'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
        },
      },
    ]),
  );
}

function problemSchema(): JsonSchema {
  const schema = documentedSchema(problemAnswer, 'output');
  const properties = schema['properties'] as Record<string, JsonSchema>;
  const code = { ...properties['code'], enum: Object.keys(ERRORS) };
  return { ...schema, properties: { ...properties, code } };
}
