import { z } from 'zod';

const count = (description: string) => z.int().min(0).meta({ description });

export const statsReply = z.object({
  fields: z.array(
    z.object({
      field: z.string(),
      mode: z.string(),
      format: z.string(),
      used: count('Live tokens, and strings that are never issued again.').optional(),
      capacity: z.string().meta({
        description: 'How many tokens there are for one kept part, in decimal digits.',
      }),
      fullest: z
        .object({
          used: count('No kept part of a value has more tokens in use than this.'),
          ratio: z.number().meta({ description: 'The same as a part of the capacity.' }),
        })
        .optional()
        .meta({ description: 'Present for formats that can fill up.' }),
      spaces: count('Kept parts that are told apart.').optional(),
    }),
  ),
});
