import { callerOf, parameterOf } from '../context.ts';
import { defineRoute } from '../route.ts';
import { eventReply } from '../schemas/audit.ts';
import { EVENT_EXAMPLE } from './audit-search.ts';

const parameters = {
  id: {
    description: 'Of an event, as in `Audit-Event-Id`.',
    example: EVENT_EXAMPLE.id,
  },
};

export const auditEventRoute = defineRoute({
  method: 'GET',
  url: '/v1/audit/events/:id',
  auth: 'bearer',
  parameters,
  operationId: 'getAuditEvent',
  summary: 'Read one event',
  description:
    'An event of a vault that the caller may not read answers as if it did not exist. The reading is an event ' +
    'itself.',
  answer: { schema: eventReply, example: EVENT_EXAMPLE },
  errors: ['not_found'],
  handle: (operations, request) =>
    operations.auditEvent(callerOf(request), { id: parameterOf(request, 'id') }),
});

export const auditReceiptRoute = defineRoute({
  method: 'GET',
  url: '/v1/audit/events/:id/receipt',
  auth: 'bearer',
  parameters,
  operationId: 'getAuditReceipt',
  summary: 'Get the proof that an event is in the log',
  description:
    'A `tlog-proof` (C2SP) to the newest checkpoint. Its `extra` is base64 of ' +
    '`{"leaf": text, "disclosures": [text]}`: with the policy file of the log it can be verified offline. Waits ' +
    'up to 3 s for a checkpoint over the event; `store_unavailable` when there is none by then.',
  answer: { mediaTypes: ['text/plain'], description: 'The receipt.' },
  errors: ['not_found'],
  handle: async (operations, request) => {
    const id = parameterOf(request, 'id');
    const { output, receipt } = await operations.auditReceipt(callerOf(request), { id });
    const headers = {
      'content-type': 'text/plain; charset=utf-8',
      // The id has proved to be one: it is no text of the caller's any more.
      'content-disposition': `attachment; filename="${id}.tlog-proof"`,
    };
    return { output, receipt, headers };
  },
});
