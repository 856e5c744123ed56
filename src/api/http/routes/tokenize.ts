import { tokenizeBody, tokenReply } from '../schemas/tokenize.ts';
import { defineVaultRoute } from '../vault-route.ts';

export const tokenizeRoute = defineVaultRoute({
  path: '/tokenize',
  operationId: 'tokenize',
  summary: 'Swap a value for a token',
  description:
    'New and known values look the same. In deterministic fields the same value has the same token; ' +
    'in random fields every call makes a new one.',
  body: tokenizeBody,
  reply: tokenReply,
  errors: ['field_unknown', 'value_invalid', 'token_space_exhausted', 'idempotency_mismatch'],
  example: {
    body: { field: 'email', value: 'ada@example.com', subject: 'customer-17' },
    reply: { token: 'tok_7q3mzv0xk4c9h2d8wr5ntb6yfj' },
  },
  heedsIdempotencyKey: true,
  operation: (operations) => operations.tokenize,
});
