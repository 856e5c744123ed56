import type { FastifyInstance } from 'fastify';
import { ERRORS } from '../../domain/errors.ts';
import type { Operations } from '../../operations/operation.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { toVaultError } from './failure.ts';
import { makeFailureRecorder } from './guard.ts';
import { prepareProblem } from './problem.ts';

/**
 * Every failure becomes a row of the error table, is put on record when its caller is known, and only
 * then is answered. The cause of what is our fault goes to the log, without its message.
 */
export function installErrorHandling(
  app: FastifyInstance,
  deps: { operations: Operations; logger: Logger },
): void {
  const record = makeFailureRecorder(deps.operations);
  app.setErrorHandler(async (error, request, reply) => {
    const failure = toVaultError(error);
    const answer = await record(request, failure);
    for (const fault of new Set([failure, answer])) {
      if (ERRORS[fault.code].status >= 500 && fault.code !== 'overloaded') {
        const facts = { code: fault.code, requestId: request.id };
        deps.logger.error('request_failed', facts, fault);
      }
    }
    request.failureBody = prepareProblem(reply, answer);
    // The framework would close the connection on a body it did not read; a client that is still writing
    // then gets a reset instead of the answer. The rest is read and dropped, within the request's time.
    reply.removeHeader('connection');
    return reply.send(request.failureBody);
  });
}
