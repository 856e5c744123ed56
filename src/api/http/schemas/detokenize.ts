import { z } from 'zod';
import {
  approval,
  fieldName,
  itemError,
  MAX_ITEMS,
  purpose,
  reference,
  token,
  value,
  viewName,
} from './members.ts';

const revealContext = {
  view: viewName.optional(),
  purpose: purpose.optional(),
  reference: reference.optional(),
  approval: approval.optional(),
};

export const detokenizeBody = z.strictObject({
  token,
  field: fieldName.optional(),
  ...revealContext,
});

export const detokenizeReply = z.object({ value, field: z.string(), view: z.string() });

export const detokenizeBatchBody = z.strictObject({
  tokens: z
    .array(z.union([token, z.strictObject({ token, field: fieldName.optional() })]))
    .min(1)
    .max(MAX_ITEMS),
  ...revealContext,
});

/**
 * A union by its members: either `value`, `field` and `view`, or `error`. What a batch says of an item, and a
 * stream of a line.
 */
export const valueOrError = z.object({
  value: value.optional(),
  field: z.string().optional(),
  view: z.string().optional(),
  error: itemError.optional(),
});

export const detokenizeBatchReply = z.object({ items: z.array(valueOrError) });
