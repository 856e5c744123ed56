import type { z } from 'zod';
import type { ErrorCode } from '../../domain/errors.ts';
import type { Operation, Operations } from '../../operations/operation.ts';
import { callOf } from './context.ts';
import { defineRoute, type Route } from './route.ts';

/** Where all routes of a vault live. */
export const VAULT_PREFIX = '/v1/vaults/:vault';

export const VAULT_PARAMETERS = {
  vault: {
    description: 'The vault. One that the caller has no role in answers as if it did not exist.',
    example: 'demo',
  },
};

/** One call on a vault: JSON in, JSON out, by `POST`. */
export function defineVaultRoute<Input, Reply, Output extends Reply>(spec: {
  /** Below `VAULT_PREFIX`. */
  path: string;
  operationId: string;
  summary: string;
  description: string;
  body: z.ZodType<Input>;
  /** What may leave: members that it does not name are dropped. */
  reply: z.ZodType<Reply>;
  errors: readonly ErrorCode[];
  example: { body: Input; reply: Output };
  heedsIdempotencyKey?: true;
  operation: (operations: Operations) => Operation<Input, Output>;
}): Route {
  const { path, body, reply, example, operation, ...described } = spec;
  return defineRoute<Input, Reply, Output>({
    ...described,
    method: 'POST',
    url: `${VAULT_PREFIX}${path}`,
    auth: 'bearer',
    parameters: VAULT_PARAMETERS,
    body: { schema: body, example: example.body },
    answer: { schema: reply, example: example.reply },
    errors: ['vault_not_found', ...described.errors],
    heedsPrefer: true,
    handle: (operations, request, input) => operation(operations)(callOf(request), input),
  });
}
