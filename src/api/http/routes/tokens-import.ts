import { importBody, importReply } from '../schemas/tokens.ts';
import { defineVaultRoute } from '../vault-route.ts';

export const tokensImportRoute = defineVaultRoute({
  path: '/tokens/import',
  operationId: 'importTokens',
  summary: 'Bring up to 1,000 tokens of your own',
  description:
    'Values with the tokens that stand for them elsewhere, for random and deterministic fields. Answers in the ' +
    'order of the items; to import the same pair again is the same success. An item whose token stands for ' +
    'another value, or whose value has another token, is `token_conflict`, and changes nothing.',
  body: importBody,
  reply: importReply,
  errors: [],
  example: {
    body: {
      items: [
        { field: 'email', value: 'ada@example.com', token: 'LEGACY-000017' },
        { field: 'email', value: 'eve@example.com', token: 'LEGACY-000017' },
      ],
    },
    reply: {
      items: [
        { token: 'LEGACY-000017' },
        {
          error: {
            code: 'token_conflict',
            message: 'The token or the value is taken',
            retryable: false,
          },
        },
      ],
    },
  },
  operation: (operations) => operations.importTokens,
});
