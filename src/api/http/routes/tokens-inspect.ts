import { inspectBody, inspectReply } from '../schemas/tokens.ts';
import { defineVaultRoute } from '../vault-route.ts';

export const tokensInspectRoute = defineVaultRoute({
  path: '/tokens/inspect',
  operationId: 'inspectToken',
  summary: 'See what is known of a token, without its value',
  description: 'Field, times and your metadata.',
  body: inspectBody,
  reply: inspectReply,
  errors: ['token_not_found'],
  example: {
    body: { token: 'tok_7q3mzv0xk4c9h2d8wr5ntb6yfj' },
    reply: {
      field: 'email',
      createdAt: '2026-03-01T09:30:00.000Z',
      metadata: { source: 'checkout' },
    },
  },
  operation: (operations) => operations.inspect,
});
