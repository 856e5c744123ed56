import { revokeBody, revokeReply } from '../schemas/tokens.ts';
import { defineVaultRoute } from '../vault-route.ts';

export const tokensRevokeRoute = defineVaultRoute({
  path: '/tokens/revoke',
  operationId: 'revokeTokens',
  summary: 'End tokens for good',
  description: 'Counts the tokens that were alive, permitted, and ended by this call.',
  body: revokeBody,
  reply: revokeReply,
  errors: [],
  example: {
    body: { tokens: ['tok_7q3mzv0xk4c9h2d8wr5ntb6yfj'] },
    reply: { revoked: 1 },
  },
  operation: (operations) => operations.revoke,
});
