import { z } from 'zod';
import {
  expiresAt,
  fieldName,
  itemError,
  MAX_ITEMS,
  metadata,
  subject,
  token,
  value,
} from './members.ts';

export const tokenizeBody = z.strictObject({
  field: fieldName,
  value,
  subject: subject.optional(),
  metadata: metadata.optional(),
  expiresAt: expiresAt.optional(),
});

export const tokenReply = z.object({ token });

export const tokenizeBatchBody = z.strictObject({
  items: z.array(tokenizeBody).min(1).max(MAX_ITEMS),
});

/** A union by its members: either `token` or `error`. What a batch says of an item, and a stream of a line. */
export const tokenOrError = z.object({ token: token.optional(), error: itemError.optional() });

export const tokenizeBatchReply = z.object({ items: z.array(tokenOrError) });

export const lookupBody = z.strictObject({
  field: fieldName,
  value,
  subject: subject.optional(),
});
