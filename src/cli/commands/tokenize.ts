import { bulkCommand } from '../bulk/bulk-command.ts';
import { textOf } from '../command.ts';

export const tokenize = bulkCommand({
  summary: 'Swap the values in the columns of a table, or in JSON lines, for tokens.',
  devRole: 'app',
  options: { subject: { type: 'string' } },
  help: [
    '--subject NAME     the column or path whose text names the person that the values belong to',
  ],
  notes: [
    'Take a run up again within 24 hours: then no value gets a second token. Not for fields of mode volatile.',
  ],
  subjectOf: (args) => textOf(args, 'subject'),
  callOf: (vault, targets) => ({
    path: `/vaults/${encodeURIComponent(vault)}/tokenize/batch`,
    member: 'token',
    isKeyed: true,
    maxItems: 1000,
    bodyOf: (items) => ({
      items: items.map(({ text, place, subject }) => ({
        field: targets[place]?.field,
        value: text,
        ...(subject !== undefined && { subject }),
      })),
    }),
  }),
});
