import { searchTokensBody, searchTokensReply } from '../schemas/tokens.ts';
import { defineVaultRoute } from '../vault-route.ts';

export const tokensSearchRoute = defineVaultRoute({
  path: '/tokens/search',
  operationId: 'searchTokens',
  summary: 'Find tokens by metadata and time, without values',
  description:
    'Live tokens of the fields that the caller may search, the newest first. All that is asked for must hold.',
  body: searchTokensBody,
  reply: searchTokensReply,
  errors: ['field_unknown'],
  example: {
    body: { field: 'email', tags: { source: 'checkout' }, from: '2026-03-01T00:00:00Z' },
    reply: {
      items: [
        {
          token: 'tok_7q3mzv0xk4c9h2d8wr5ntb6yfj',
          field: 'email',
          createdAt: '2026-03-01T09:30:00.000Z',
        },
      ],
    },
  },
  operation: (operations) => operations.search,
});
