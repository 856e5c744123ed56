import { detokenizeBody, valueOrError } from '../schemas/detokenize.ts';
import { defineStreamRoute, LINES } from '../stream-route.ts';

export const detokenizeStreamRoute = defineStreamRoute({
  path: '/detokenize/stream',
  operationId: 'detokenizeStream',
  summary: 'Get values back, as many as you like',
  description:
    'Each line is the body of a single call, with a view and a reason of its own. A stream counts as more ' +
    `items than any \`maxItems\` allows. ${LINES}`,
  body: {
    schema: detokenizeBody,
    example: { token: 'tok_7q3mzv0xk4c9h2d8wr5ntb6yfj', view: 'masked', purpose: 'support-ticket' },
  },
  answer: {
    schema: valueOrError,
    example: { value: 'a•••@example.com', field: 'email', view: 'masked' },
  },
  errors: [],
  operation: (operations) => operations.detokenizeStream,
});
