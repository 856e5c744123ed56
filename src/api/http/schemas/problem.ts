import { z } from 'zod';

/** RFC 9457 problem details. Title and status follow from the code. */
export const problemAnswer = z.object({
  type: z.string().meta({ description: 'Link to the explanation of the code.' }),
  title: z.string(),
  status: z.int(),
  code: z.string().meta({ description: 'The stable name of the error; decide by this one.' }),
  errors: z
    .array(
      z.object({
        path: z
          .string()
          .meta({ description: 'JSON pointer into the request body, or the name of a header.' }),
        rule: z.string().meta({ description: 'The rule that it breaks.' }),
        hint: z.string().optional().meta({
          description: 'What would do: of a view that is not granted, the views that are.',
        }),
      }),
    )
    .optional(),
});
