import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import type { AuditReceipt } from '../../domain/audit/event.ts';
import { type ErrorCode, VaultError } from '../../domain/errors.ts';
import type { Operations } from '../../operations/operation.ts';
import { checkMediaType } from './media-type.ts';
import { makePreferAudit } from './prefer.ts';
import { bodySchema, replySchema } from './schemas/json-schema.ts';
import { problemAnswer } from './schemas/problem.ts';

/** What an answer carries: JSON by a schema, which lets nothing else out, or a file in a format of its own. */
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
  /** One source for validation, types and docs. Unknown members are refused. */
  body?: { schema: z.ZodType<Input>; example: Input };
  answer: AnswerContent<Reply>;
  /** Errors of this call beyond those that every call of its kind can give. */
  errors: readonly ErrorCode[];
  /** With `Prefer: audit=integrated` its answers, refusals too, wait; see `makePreferAudit`. */
  heedsPrefer?: true;
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

/** One route: its documentation, and how it is put up. */
export type Route = Described<unknown, unknown> & {
  register: (app: FastifyInstance, operations: Operations) => void;
};

/** Makes a route of an operation: schema in, operation, receipt, schema or file out. */
export function defineRoute<Input, Reply, Output>(spec: RouteSpec<Input, Reply, Output>): Route {
  const { handle, ...described } = spec;
  return {
    ...described,
    register: (app, operations) => {
      app.route({
        method: spec.method,
        url: spec.url,
        config: { auth: spec.auth, audit: spec.auth === 'public' ? 'none' : 'required' },
        schema: schemaOf(described),
        onRequest: (request, _reply, done) => {
          if (spec.body !== undefined) checkMediaType(request);
          checkNoIdempotencyKey(request);
          done();
        },
        ...(spec.heedsPrefer === undefined ? {} : { onSend: makePreferAudit(operations) }),
        handler: async (request: FastifyRequest, reply: FastifyReply) => {
          const sent = await handle(operations, request, request.body as Input);
          request.auditReceipt = sent.receipt;
          reply.headers(sent.headers ?? {});
          return sent.output;
        },
      });
    },
  };
}

/** What is compiled into validator and serializer. */
function schemaOf({ body, answer }: Pick<Described<unknown, unknown>, 'body' | 'answer'>) {
  return {
    ...(body === undefined ? {} : { body: bodySchema(body.schema) }),
    response: {
      ...('schema' in answer ? { '2xx': replySchema(answer.schema) } : {}),
      '4xx': replySchema(problemAnswer),
      '5xx': replySchema(problemAnswer),
    },
  };
}

/** Not built yet. Ignored in silence, it would let a caller repeat what it believes to be safe. */
function checkNoIdempotencyKey({ headers }: FastifyRequest): void {
  if (headers['idempotency-key'] !== undefined) {
    const problems = [{ path: 'Idempotency-Key', rule: 'not_built' }];
    throw new VaultError('invalid_request', { problems });
  }
}
