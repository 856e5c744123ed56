import { z } from 'zod';
import { instant, metadata, subject, token, value } from './members.ts';

export const subjectBody = z.strictObject({ subject });

export const eraseReply = z.object({
  erased: z
    .int()
    .meta({ description: 'How many tokens ended, because nobody else was linked to them.' }),
  receipt: z.string().meta({ description: 'A signed text that says what was erased, and when.' }),
});

const heldValue = z.object({
  token,
  value,
  createdAt: instant,
  expiresAt: instant.optional(),
  metadata: metadata.optional(),
});

export const subjectExportReply = z.object({
  fields: z
    .record(z.string(), z.array(heldValue))
    .meta({ description: 'What is held of the person, by field, the oldest first.' }),
});
