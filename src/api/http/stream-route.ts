import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { VaultError } from '../../domain/errors.ts';
import type { Operations, StreamOperation } from '../../operations/operation.ts';
import { callOf } from './context.ts';
import { checkNoIdempotencyKey } from './idempotency-key.ts';
import { checkMediaType } from './media-type.ts';
import { configOf, type Described, PROBLEM_SCHEMAS, type Route } from './route.ts';
import { bodySchema, replySchema } from './schemas/json-schema.ts';
import { answerLines } from './streams/answer-lines.ts';
import { makeLineSource } from './streams/line-source.ts';
import type { Streaming } from './streams/streaming.ts';
import { VAULT_PARAMETERS, VAULT_PREFIX } from './vault-route.ts';

const NDJSON = 'application/x-ndjson';

/** What clients can rely on, whatever the lines are about. */
export const LINES =
  'Line n of the answer is the answer to line n of the request: what the single call would answer, or ' +
  '`error`. A line that is no such body, an empty or over-long one included, has an `error`, too, and the ' +
  'stream goes on. A line leaves when its audit event is durable; `Audit-Event-Id` names that of the first ' +
  'lines. Who does not read answers is not read from; a connection without a byte either way for a minute ' +
  'is closed. When the service stops (`overloaded`) or the credential ends (`unauthenticated`), the last ' +
  'line says so, in place of the answer to the first line that was not worked on. To resume after any ' +
  'end, count the answers: send again what has none, or one that is `retryable` or `unauthenticated`.';

type StreamSpec<Input, Reply, Line> = Pick<
  Described<Input, Reply>,
  'operationId' | 'summary' | 'description' | 'errors'
> & {
  /** Below `VAULT_PREFIX`. */
  path: string;
  /** Of each line. */
  body: { schema: z.ZodType<Input>; example: Input };
  answer: { schema: z.ZodType<Reply>; example: Reply };
  operation: (operations: Operations) => StreamOperation<Input, Line>;
};

/**
 * Makes a route of an operation on lines. The body is handed on as it arrives; the answer begins when the
 * operation has a receipt, that of its first window, and passes the guard as any other.
 */
export function defineStreamRoute<Input, Reply, Line extends object>(
  spec: StreamSpec<Input, Reply, Line>,
): Route {
  const { operation, path, ...described } = spec;
  const url = `${VAULT_PREFIX}${path}`;
  const schemas = {
    input: bodySchema(spec.body.schema),
    line: replySchema(spec.answer.schema),
  };
  return {
    ...described,
    method: 'POST',
    url,
    auth: 'bearer',
    parameters: VAULT_PARAMETERS,
    mediaType: NDJSON,
    errors: ['vault_not_found', ...described.errors],
    register: (app, { operations, streaming }) => {
      const answer = async (request: FastifyRequest, reply: FastifyReply) => {
        const source = openSource<Input>(request, reply, { streaming, schema: schemas.input });
        const { output, receipt } = await operation(operations)(callOf(request), source.windows);
        request.auditReceipt = receipt;
        const serialize = reply.compileSerializationSchema(schemas.line) as (
          line: object,
        ) => string;
        reply.header('content-type', NDJSON);
        return reply.send(Readable.from(answerLines(output, serialize, source.endedBy)));
      };
      app.register((scope, _options, done) => {
        scope.removeAllContentTypeParsers();
        scope.addContentTypeParser(NDJSON, (_request, body, parsed) => parsed(null, body));
        scope.route({
          method: 'POST',
          url,
          config: configOf({ auth: 'bearer' }),
          schema: { response: PROBLEM_SCHEMAS },
          onRequest: (request, _reply, next) => {
            checkMediaType(request, NDJSON);
            checkNoIdempotencyKey(request);
            next();
          },
          handler: answer,
        });
        done();
      });
    },
  };
}

/** Takes a place among the streams, until the connection is done with the answer, and the deadline off the body. */
function openSource<Input>(
  request: FastifyRequest,
  reply: FastifyReply,
  { streaming, schema }: { streaming: Streaming; schema: ReturnType<typeof bodySchema> },
) {
  const { principal, body } = request;
  if (principal === undefined || !(body instanceof Readable)) {
    throw new VaultError('internal', { detail: 'a stream without a caller or a body' });
  }
  if (reply.raw.destroyed) {
    throw new VaultError('invalid_request', { detail: 'the client went away' });
  }
  reply.raw.once('close', streaming.slots.take(principal));
  streaming.requestTime.lift(request.raw, reply.raw);
  streaming.overload.rest(request);
  const validate = request.compileValidationSchema(schema, 'body');
  return makeLineSource<Input>({
    body,
    maxLineBytes: streaming.maxLineBytes,
    validate: (value) => validate(value) === true,
    draining: streaming.draining,
    holds: async () => {
      // A window is work as any other, but it waits where a request would be refused.
      await streaming.overload.room();
      return streaming.holds(request);
    },
  });
}
