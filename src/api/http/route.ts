import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import type { AuditReceipt } from '../../domain/audit/event.ts';
import type { ErrorCode } from '../../domain/errors.ts';
import type { Operations } from '../../operations/operation.ts';
import { checkIdempotencyKey, checkNoIdempotencyKey } from './idempotency-key.ts';
import { checkMediaType, type MediaType } from './media-type.ts';
import { makePreferAudit } from './prefer.ts';
import { bodySchema, type JsonSchema, replySchema } from './schemas/json-schema.ts';
import { problemAnswer } from './schemas/problem.ts';
import type { Streaming } from './streams/streaming.ts';

/**
 * What an answer carries: JSON by a schema, which lets nothing else out (of a stream, each line), or a file
 * in a format of its own.
 */
export type AnswerContent<Reply> =
  | { schema: z.ZodType<Reply>; example: Reply }
  | { mediaTypes: readonly string[]; description: string };

/** One route as the docs describe it. */
export type Described<Input, Reply> = {
  method: 'GET' | 'POST';
  /** As the router takes it: literal segments, `:name`, and `*` for all the rest. */
  url: string;
  operationId: string;
  summary: string;
  description: string;
  /** `public` answers without a credential; the guard has the list. */
  auth: 'bearer' | 'public';
  /** What each part of the path stands for, and an example of it; `*` under the name that the docs give it. */
  parameters: Readonly<Record<string, { description: string; example: string }>>;
  /** One source for validation, types and docs. Unknown members are refused. Of a stream, each line. */
  body?: { schema: z.ZodType<Input>; example: Input };
  answer: AnswerContent<Reply>;
  /** Of body and answer, where they are JSON: `application/json`, or lines of it without end. */
  mediaType?: MediaType;
  /** Errors of this call beyond those that every call of its kind can give. */
  errors: readonly ErrorCode[];
  /** With `Prefer: audit=integrated` its answers, refusals too, wait; see `makePreferAudit`. */
  heedsPrefer?: true;
  /** With an `Idempotency-Key` it can be repeated. Everywhere else that header is refused. */
  heedsIdempotencyKey?: true;
};

/** What a handler gives: the answer, and the proof that its event is durable where the route is audited. */
export type Sent<Output> = {
  output: Output;
  receipt?: AuditReceipt;
  headers?: Readonly<Record<string, string>>;
};

type RouteSpec<Input, Reply, Output> = Described<Input, Reply> & {
  handle: (
    operations: Operations,
    request: FastifyRequest,
    /** The body, as the compiled schema has accepted it. */
    input: Input,
  ) => Promise<Sent<Output>>;
};

/** What routes are put up over. */
export type RouteDeps = { operations: Operations; streaming: Streaming };

/** One route: its documentation, and how it is put up. */
export type Route = Described<unknown, unknown> & {
  register: (app: FastifyInstance, deps: RouteDeps) => void;
};

/** Makes a route of an operation: schema in, operation, receipt, schema or file out. */
export function defineRoute<Input, Reply, Output>(spec: RouteSpec<Input, Reply, Output>): Route {
  const { handle, ...described } = spec;
  return {
    ...described,
    register: (app, { operations }) => {
      app.route({
        method: spec.method,
        url: spec.url,
        config: configOf(spec),
        schema: schemaOf(described),
        onRequest: (request, _reply, done) => {
          if (spec.body !== undefined) checkMediaType(request);
          if (spec.heedsIdempotencyKey) checkIdempotencyKey(request);
          else checkNoIdempotencyKey(request);
          done();
        },
        ...(spec.heedsPrefer === undefined ? {} : { onSend: makePreferAudit(operations) }),
        handler: async (request: FastifyRequest, reply: FastifyReply) => {
          const sent = await handle(operations, request, request.body as Input);
          request.auditReceipt = sent.receipt;
          if (sent.headers !== undefined) reply.headers(sent.headers);
          return sent.output;
        },
      });
    },
  };
}

/** What the guard asks of every route. */
export function configOf({ auth }: Pick<Described<unknown, unknown>, 'auth'>) {
  return { auth, audit: auth === 'public' ? 'none' : 'required' } as const;
}

/** The one body of a refusal, whatever the route. */
export const PROBLEM_SCHEMAS: { [status: string]: JsonSchema } = {
  '4xx': replySchema(problemAnswer),
  '5xx': replySchema(problemAnswer),
};

/** What is compiled into validator and serializer. */
function schemaOf({ body, answer }: Pick<Described<unknown, unknown>, 'body' | 'answer'>) {
  return {
    ...(body === undefined ? {} : { body: bodySchema(body.schema) }),
    response: {
      ...('schema' in answer ? { '2xx': replySchema(answer.schema) } : {}),
      ...PROBLEM_SCHEMAS,
    },
  };
}
