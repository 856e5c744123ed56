import { lookupBody, tokenReply } from '../schemas/tokenize.ts';
import { defineVaultRoute } from '../vault-route.ts';

export const lookupRoute = defineVaultRoute({
  path: '/lookup',
  operationId: 'lookup',
  summary: 'Find the token of a known value',
  description: 'For deterministic fields only. Creates nothing.',
  body: lookupBody,
  reply: tokenReply,
  errors: ['token_not_found', 'field_unknown', 'value_invalid', 'budget_exhausted'],
  example: {
    body: { field: 'email', value: 'ada@example.com' },
    reply: { token: 'tok_7q3mzv0xk4c9h2d8wr5ntb6yfj' },
  },
  operation: (operations) => operations.lookup,
});
