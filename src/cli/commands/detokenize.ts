import { bulkCommand } from '../bulk/bulk-command.ts';
import { textOf } from '../command.ts';

/** What explains a reveal, under its own name. */
const CONTEXT = ['view', 'purpose', 'reference', 'approval'] as const;

export const detokenize = bulkCommand({
  summary: 'Swap the tokens in the columns of a table, or in JSON lines, for their values.',
  devRole: 'supervisor',
  options: Object.fromEntries(CONTEXT.map((name) => [name, { type: 'string' as const }])),
  help: [
    '--view V           how much of each value (default: full)',
    "--purpose P        why: one of the purposes that the vault's policy declares",
    '--reference R      the ticket or case that it is for',
    '--approval A       the approval that allows it',
  ],
  subjectOf: () => undefined,
  callOf: (vault, targets, args) => ({
    path: `/vaults/${encodeURIComponent(vault)}/detokenize/batch`,
    member: 'value',
    isKeyed: false,
    // Fewer: where a budget ends in the middle of a request, what it opened was spent in vain.
    maxItems: 250,
    bodyOf: (items) => ({
      tokens: items.map(({ text, place }) => ({ token: text, field: targets[place]?.field })),
      ...Object.fromEntries(
        CONTEXT.flatMap((name) => {
          const text = textOf(args, name);
          return text === undefined ? [] : [[name, text]];
        }),
      ),
    }),
  }),
});
