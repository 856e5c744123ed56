import { Readable } from 'node:stream';
import type { ExportFormat } from '../../../operations/export/request.ts';
import { callerOf } from '../context.ts';
import { defineRoute } from '../route.ts';
import { exportBody } from '../schemas/audit.ts';

const FILES = {
  native: { type: 'application/x-ndjson', extension: 'jsonl' },
  ocsf: { type: 'application/x-ndjson', extension: 'ocsf.jsonl' },
  csv: { type: 'text/csv; charset=utf-8', extension: 'csv' },
  tar: { type: 'application/x-tar', extension: 'tar' },
} as const satisfies Record<ExportFormat, { type: string; extension: string }>;

export const auditExportRoute = defineRoute({
  method: 'POST',
  url: '/v1/audit/export',
  auth: 'bearer',
  parameters: {},
  operationId: 'exportAuditLog',
  summary: 'Export the log',
  description:
    'A shard up to its newest checkpoint, as a stream, for callers with `audit.read` in every vault. An export ' +
    'that breaks off is cut, so that it never looks complete. `tar` takes no `vault`, `from` or `to`.',
  body: { schema: exportBody, example: { format: 'native', vault: 'demo' } },
  answer: {
    mediaTypes: ['application/x-ndjson', 'text/csv', 'application/x-tar'],
    description: 'The export.',
  },
  errors: ['vault_not_found', 'not_found'],
  handle: async (operations, request, input) => {
    const { output, receipt } = await operations.auditExport(callerOf(request), input);
    const { type, extension } = FILES[input.format];
    const headers = {
      'content-type': type,
      'content-disposition': `attachment; filename="audit-${output.shard}.${extension}"`,
    };
    return { output: Readable.from(output.content), receipt, headers };
  },
});
