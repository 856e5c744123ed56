import { subjectBody, subjectExportReply } from '../schemas/subjects.ts';
import { defineVaultRoute } from '../vault-route.ts';

export const subjectsExportRoute = defineVaultRoute({
  path: '/subjects/export',
  operationId: 'exportSubject',
  summary: 'Read all that is held of a person',
  description: 'Every live value that is linked to the person, in clear, by field.',
  body: subjectBody,
  reply: subjectExportReply,
  errors: [],
  example: {
    body: { subject: 'customer-17' },
    reply: {
      fields: {
        email: [
          {
            token: 'tok_7q3mzv0xk4c9h2d8wr5ntb6yfj',
            value: 'ada@example.com',
            createdAt: '2026-03-01T09:30:00.000Z',
          },
        ],
      },
    },
  },
  operation: (operations) => operations.exportSubject,
});
