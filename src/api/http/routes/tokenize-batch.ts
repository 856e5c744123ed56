import { tokenizeBatchBody, tokenizeBatchReply } from '../schemas/tokenize.ts';
import { defineVaultRoute } from '../vault-route.ts';

export const tokenizeBatchRoute = defineVaultRoute({
  path: '/tokenize/batch',
  operationId: 'tokenizeBatch',
  summary: 'Swap up to 1,000 values for tokens',
  description: 'Answers in the order of the items. An item that fails does not fail the others.',
  body: tokenizeBatchBody,
  reply: tokenizeBatchReply,
  errors: [],
  example: {
    body: {
      items: [
        { field: 'email', value: 'ada@example.com' },
        { field: 'email', value: 'not an address' },
      ],
    },
    reply: {
      items: [
        { token: 'tok_7q3mzv0xk4c9h2d8wr5ntb6yfj' },
        {
          error: {
            code: 'value_invalid',
            message: 'The value does not fit its field',
            retryable: false,
          },
        },
      ],
    },
  },
  heedsIdempotencyKey: true,
  operation: (operations) => operations.tokenizeBatch,
});
