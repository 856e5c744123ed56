import { tokenizeBody, tokenOrError } from '../schemas/tokenize.ts';
import { defineStreamRoute, LINES } from '../stream-route.ts';

export const tokenizeStreamRoute = defineStreamRoute({
  path: '/tokenize/stream',
  operationId: 'tokenizeStream',
  summary: 'Swap values for tokens, as many as you like',
  description: `Each line is the body of a single call. ${LINES}`,
  body: { schema: tokenizeBody, example: { field: 'email', value: 'ada@example.com' } },
  answer: { schema: tokenOrError, example: { token: 'tok_7q3mzv0xk4c9h2d8wr5ntb6yfj' } },
  errors: [],
  operation: (operations) => operations.tokenizeStream,
});
