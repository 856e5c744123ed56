import { detokenizeBatchBody, detokenizeBatchReply } from '../schemas/detokenize.ts';
import { defineVaultRoute } from '../vault-route.ts';

export const detokenizeBatchRoute = defineVaultRoute({
  path: '/detokenize/batch',
  operationId: 'detokenizeBatch',
  summary: 'Get up to 1,000 values back, in one view',
  description:
    'View, purpose, reference and approval hold for all tokens. Answers in the order of the tokens.',
  body: detokenizeBatchBody,
  reply: detokenizeBatchReply,
  errors: [
    'purpose_required',
    'reference_required',
    'mfa_required',
    'approval_required',
    'budget_exhausted',
  ],
  example: {
    body: {
      tokens: ['tok_7q3mzv0xk4c9h2d8wr5ntb6yfj', { token: 'tok_00000000000000000000000000' }],
      view: 'masked',
      purpose: 'support-ticket',
    },
    reply: {
      items: [
        { value: 'a•••@example.com', field: 'email', view: 'masked' },
        {
          error: { code: 'token_not_found', message: 'There is no such token', retryable: false },
        },
      ],
    },
  },
  operation: (operations) => operations.detokenizeBatch,
});
