import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { type ErrorCode, VaultError } from '../../domain/errors.ts';
import type { Operation, Operations } from '../../operations/operation.ts';
import { callOf } from './context.ts';
import { checkMediaType } from './media-type.ts';
import { bodySchema, replySchema } from './schemas/json-schema.ts';
import { problemAnswer } from './schemas/problem.ts';

/** Where all routes of a vault live. */
export const VAULT_PREFIX = '/v1/vaults/:vault';

type RouteSpec<Input, Reply, Output extends Reply> = {
  /** Below `VAULT_PREFIX`. */
  path: string;
  operationId: string;
  summary: string;
  description: string;
  /** One source for validation, types and docs. Unknown members are refused. */
  body: z.ZodType<Input>;
  /** What may leave: members that it does not name are dropped. */
  reply: z.ZodType<Reply>;
  /** Errors of this call beyond those that every call can give. */
  errors: readonly ErrorCode[];
  example: { body: Input; reply: Output };
  operation: (operations: Operations) => Operation<Input, Output>;
};

/** One POST route: an operation with its schemas and its documentation. */
export type Route = Omit<RouteSpec<unknown, unknown, unknown>, 'operation'> & {
  register: (app: FastifyInstance, operations: Operations) => void;
};

/** Makes the route of an operation: schema in, operation, receipt, schema out. */
export function defineRoute<Input, Reply, Output extends Reply>(
  spec: RouteSpec<Input, Reply, Output>,
): Route {
  const { operation, ...documented } = spec;
  return {
    ...documented,
    register: (app, operations) => {
      const run = operation(operations);
      app.route({
        method: 'POST',
        url: `${VAULT_PREFIX}${spec.path}`,
        config: { auth: 'bearer', audit: 'required' },
        schema: {
          body: bodySchema(spec.body),
          response: {
            '2xx': replySchema(spec.reply),
            '4xx': replySchema(problemAnswer),
            '5xx': replySchema(problemAnswer),
          },
        },
        onRequest: (request, _reply, done) => {
          checkMediaType(request);
          checkNoIdempotencyKey(request);
          done();
        },
        handler: async (request: FastifyRequest) => {
          // The compiled schema of `spec.body` has accepted it.
          const { output, receipt } = await run(callOf(request), request.body as Input);
          request.auditReceipt = receipt;
          return output;
        },
      });
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
