import { detokenizeBody, detokenizeReply } from '../schemas/detokenize.ts';
import { defineVaultRoute } from '../vault-route.ts';

export const detokenizeRoute = defineVaultRoute({
  path: '/detokenize',
  operationId: 'detokenize',
  summary: 'Get a value back, in a view',
  description:
    'The view defaults to `full`. Every reveal and every refusal is on record before the answer leaves. ' +
    'A token that the caller may not see answers like one that never existed.',
  body: detokenizeBody,
  reply: detokenizeReply,
  errors: [
    'field_unknown',
    'purpose_required',
    'reference_required',
    'mfa_required',
    'approval_required',
    'view_not_granted',
    'token_not_found',
    'budget_exhausted',
  ],
  example: {
    body: {
      token: 'tok_7q3mzv0xk4c9h2d8wr5ntb6yfj',
      view: 'masked',
      purpose: 'support-ticket',
    },
    reply: { value: 'a•••@example.com', field: 'email', view: 'masked' },
  },
  operation: (operations) => operations.detokenize,
});
