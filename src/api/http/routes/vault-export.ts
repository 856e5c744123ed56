import { Readable } from 'node:stream';
import { z } from 'zod';
import { callOf } from '../context.ts';
import { defineRoute } from '../route.ts';
import { VAULT_PARAMETERS, VAULT_PREFIX } from '../vault-route.ts';

const AGE = 'application/octet-stream';

export const vaultExportRoute = defineRoute({
  method: 'POST',
  url: `${VAULT_PREFIX}/export`,
  auth: 'bearer',
  parameters: VAULT_PARAMETERS,
  operationId: 'exportVault',
  summary: 'Export a vault, encrypted',
  description:
    'The whole vault with its keys at one moment, as an age file for the recipients that the operator of the ' +
    'service has chosen; without any, `invalid_request` (`export_recipients_missing`). `counterfoil restore` ' +
    'puts it in place in another installation. An export that breaks off is cut, so that it never looks complete.',
  body: { schema: z.strictObject({}), example: {} },
  answer: { mediaTypes: [AGE], description: 'The export, an age file.' },
  errors: ['vault_not_found'],
  heedsPrefer: true,
  handle: async (operations, request, input) => {
    const call = callOf(request);
    const { output, receipt } = await operations.exportVault(call, input);
    const headers = {
      'content-type': AGE,
      'content-disposition': 'attachment; filename="vault-export.age"',
    };
    return { output: Readable.from(output.content), receipt, headers };
  },
});
