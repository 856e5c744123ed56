import { callOf } from '../context.ts';
import { defineRoute } from '../route.ts';
import { statsReply } from '../schemas/stats.ts';
import { VAULT_PARAMETERS, VAULT_PREFIX } from '../vault-route.ts';

export const statsRoute = defineRoute({
  method: 'GET',
  url: `${VAULT_PREFIX}/stats`,
  auth: 'bearer',
  parameters: VAULT_PARAMETERS,
  operationId: 'getVaultStats',
  summary: 'See how many tokens there are, and how full formats are',
  description:
    'One entry for each field of the policy. Counted at the time of asking: it takes longer the more tokens ' +
    'there are. Needs the action `policy.read`.',
  answer: {
    schema: statsReply,
    example: {
      fields: [
        {
          field: 'pan',
          mode: 'deterministic',
          format: 'card',
          used: 1_204,
          capacity: '900000',
          fullest: { used: 31, ratio: 0.000_034 },
          spaces: 412,
        },
        { field: 'note', mode: 'siv', format: 'opaque', capacity: String(2n ** 130n) },
      ],
    },
  },
  errors: ['vault_not_found'],
  heedsPrefer: true,
  handle: (operations, request) => operations.stats(callOf(request), {}),
});
