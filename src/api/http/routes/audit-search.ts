import { callerOf } from '../context.ts';
import { defineRoute } from '../route.ts';
import { searchBody, searchReply } from '../schemas/audit.ts';

export const EVENT_EXAMPLE = {
  id: 'ad17tOA3GVe2VrdjjpfYYQ',
  index: 73894,
  shard: '2026',
  time: '2026-03-01T09:30:00.000Z',
  action: 'detokenize',
  outcome: 'allow' as const,
  status: 200,
  vault: 'demo',
  policy: '3:9f2c6c2f1d7a0b5e8c4d3a2b1f0e9d8c7b6a5f4e3d2c1b0a9f8e7d6c5b4a3f2e',
  items: 1,
  actor: {
    subject: 'support-7',
    issuer: 'urn:example:issuer',
    credential: 'jwt:k1',
    mfa: false,
  },
  source: { ip: '192.0.2.17', userAgent: 'support-desk/4.2' },
  tokens: ['tok_7q3mzv0xk4c9h2d8wr5ntb6yfj'],
  fields: ['email'],
  view: 'masked',
  purpose: 'support-ticket',
  requestId: '5f0c9a52-6a5e-4c8f-9d53-0d1b6f0f5a11',
};

export const auditSearchRoute = defineRoute({
  method: 'POST',
  url: '/v1/audit/search',
  auth: 'bearer',
  parameters: {},
  operationId: 'searchAuditLog',
  summary: 'Find out who did what',
  description:
    'Newest first, in the vaults in which the caller has `audit.read`. All members that are present must ' +
    'hold. What an event disclosed about a caller or a token is not found once that is erased. The search is ' +
    'an event itself.',
  body: {
    schema: searchBody,
    example: { vault: 'demo', token: 'tok_7q3mzv0xk4c9h2d8wr5ntb6yfj', limit: 10 },
  },
  answer: { schema: searchReply, example: { events: [EVENT_EXAMPLE] } },
  errors: ['vault_not_found'],
  handle: (operations, request, input) => operations.auditSearch(callerOf(request), input),
});
