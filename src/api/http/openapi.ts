import { ERRORS, type ErrorCode } from '../../domain/errors.ts';
import type { Route } from './route.ts';
import { ROUTES } from './routes/table.ts';
import { documentedSchema, type JsonSchema } from './schemas/json-schema.ts';
import { problemAnswer } from './schemas/problem.ts';

/** Version of the interface, not of the service: it changes when calls do. */
const API_VERSION = '1.0.0';

/** What calls can answer by their kind, whatever they do. */
const ERRORS_OF_KIND: { is: (route: Route) => boolean; codes: readonly ErrorCode[] }[] = [
  {
    is: ({ auth }) => auth === 'bearer',
    codes: ['unauthenticated', 'forbidden', 'audit_unavailable', 'key_unavailable'],
  },
  {
    is: ({ body }) => body !== undefined,
    codes: ['invalid_request', 'payload_too_large', 'unsupported_media_type'],
  },
  {
    is: () => true,
    codes: ['rate_limited', 'headers_too_large', 'internal', 'store_unavailable', 'overloaded'],
  },
];

type Content = { [mediaType: string]: { schema: JsonSchema; example?: unknown } };
type Reference = { $ref: string };
type Answer = { description: string; headers: Record<string, Reference>; content: Content };
type Parameter = { name: string; in: 'path' | 'header'; description: string; example: string };

/** One call, as OpenAPI describes it. */
export type DocumentedCall = {
  operationId: string;
  summary: string;
  description: string;
  /** Present and empty where no credential is needed. */
  security?: readonly [];
  parameters: readonly Parameter[];
  requestBody?: { required: true; content: Content };
  responses: { [status: string]: Answer };
};

export type OpenApiDocument = {
  openapi: '3.1.1';
  info: { title: string; version: string; description: string };
  servers: readonly { url: string }[];
  security: readonly object[];
  paths: { [path: string]: { get?: DocumentedCall; post?: DocumentedCall } };
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
    // No two routes share a path.
    paths: Object.fromEntries(
      ROUTES.map((route) => [pathOf(route), { [route.method.toLowerCase()]: describe(route) }]),
    ),
    components: {
      securitySchemes: {
        bearer: {
          type: 'http',
          scheme: 'bearer',
          bearerFormat: 'JWT',
          description: 'A JWT of a configured OpenID Connect issuer (EdDSA, ES256 or RS256).',
        },
      },
      headers: HEADERS,
      schemas: { Problem: problemSchema() },
    },
  };
}

/** The document as it is committed and served: the same routes give the same bytes. */
export function renderOpenApi(): string {
  return `${JSON.stringify(openApiDocument(), undefined, 2)}\n`;
}

/** The name that the docs give to the rest of a path. It holds slashes: OpenAPI has no word for that. */
const REST = 'tile';

function pathOf({ url }: Route): string {
  return url.replace(/:(\w+)/g, '{$1}').replace('*', `{${REST}}`);
}

function describe(route: Route): DocumentedCall {
  const { operationId, summary, description, auth, body, errors } = route;
  const byKind = ERRORS_OF_KIND.flatMap(({ is, codes }) => (is(route) ? codes : []));
  return {
    operationId,
    summary,
    description,
    ...(auth === 'public' ? { security: [] } : {}),
    parameters: parametersOf(route),
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            content: contentOf(route, documentedSchema(body.schema, 'input'), body.example),
          },
        }),
    responses: { 200: okOf(route), ...problemsOf(route, [...byKind, ...errors]) },
  };
}

function parametersOf({ parameters, heedsPrefer, heedsIdempotencyKey }: Route): Parameter[] {
  const inPath = Object.entries(parameters).map(([name, parameter]) => ({
    name: name === '*' ? REST : name,
    in: 'path' as const,
    required: true,
    ...parameter,
    schema: { type: 'string' },
  }));
  return [
    ...inPath,
    ...(heedsPrefer === undefined ? [] : [PREFER]),
    ...(heedsIdempotencyKey === undefined ? [] : [IDEMPOTENCY_KEY]),
  ];
}

function okOf(route: Route): Answer {
  const { answer } = route;
  const headers = headersOf(route);
  if ('schema' in answer) {
    const content = contentOf(route, documentedSchema(answer.schema, 'output'), answer.example);
    return { description: 'Done, and on record.', headers, content };
  }
  const file = { schema: { type: 'string' } };
  return {
    description: answer.description,
    headers,
    content: Object.fromEntries(answer.mediaTypes.map((type) => [type, file])),
  };
}

/** Of a stream, schema and example are those of each line. */
function contentOf(
  { mediaType = 'application/json' }: Route,
  schema: JsonSchema,
  example: unknown,
): Content {
  return { [mediaType]: { schema, example } };
}

const PREFER = {
  name: 'Prefer',
  in: 'header' as const,
  description:
    '`audit=integrated`: the answer, a refusal too, leaves when its event is under a published checkpoint, or after 5 s.',
  example: 'audit=integrated',
  schema: { type: 'string' },
};

const IDEMPOTENCY_KEY = {
  name: 'Idempotency-Key',
  in: 'header' as const,
  description:
    'A text of your own, 1 to 255 printable ASCII characters, a new one for each request: within 24 h the ' +
    'same request with the same key has the same answer, and makes no second token in random fields. Known ' +
    'values of other fields have the same token anyway; for volatile fields the key is refused.',
  example: '8e03978e-40d5-43dd-bc93-6894a57f9324',
  schema: { type: 'string', minLength: 1, maxLength: 255 },
};

const text = (description: string) => ({ description, schema: { type: 'string' } });

/** Headers of answers, by name. */
const HEADERS = {
  'X-Request-Id': text('Id of this request.'),
  'Audit-Event-Id': text('Id of the audit event that records this request.'),
  'Audit-Receipt-Url': text('Where the receipt is. Only when `Prefer: audit=integrated` was met.'),
  'Preference-Applied': text('`audit=integrated`, when that was asked for and met.'),
};

function headersOf({ auth, heedsPrefer }: Route, status = 200): Answer['headers'] {
  // Before anyone is known there is no event of their own.
  const isRecorded = auth === 'bearer' && status !== ERRORS.unauthenticated.status;
  const names: (keyof typeof HEADERS)[] = ['X-Request-Id'];
  if (isRecorded) names.push('Audit-Event-Id');
  if (isRecorded && heedsPrefer) names.push('Audit-Receipt-Url', 'Preference-Applied');
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
}

/** One answer per status, listing its codes. */
function problemsOf(route: Route, codes: readonly ErrorCode[]): { [status: string]: Answer } {
  const statuses = new Set(codes.map((code) => ERRORS[code].status));
  return Object.fromEntries(
    [...statuses].map((status) => [
      status,
      {
        description: codes
          .filter((code) => ERRORS[code].status === status)
          .map((code) => `\`${code}\`: ${ERRORS[code].title}.`)
          .join(' '),
        headers: headersOf(route, status),
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
