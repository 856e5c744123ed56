import { z } from 'zod';
import { fieldName, instant, MAX_ITEMS, metadata, rfc3339, text, token } from './members.ts';
import { tokenizeBody, tokenOrError } from './tokenize.ts';

export const inspectBody = z.strictObject({ token });

export const inspectReply = z.object({
  field: z.string(),
  createdAt: instant,
  expiresAt: instant.optional(),
  metadata: metadata.optional(),
});

export const revokeBody = z.strictObject({ tokens: z.array(token).min(1).max(MAX_ITEMS) });

export const revokeReply = z.object({
  revoked: z.int().meta({ description: 'How many tokens this call ended.' }),
});

/** The form of the caller's own tokens; what else they must not be, the vault says. */
const ownToken = z
  .string()
  .max(256)
  .regex(/^[!-}][!-~]*$/)
  .meta({
    description: 'Your token: printable ASCII without spaces, not beginning with `~`.',
    sensitive: true,
  });

export const importBody = z.strictObject({
  items: z
    .array(tokenizeBody.extend({ token: ownToken }))
    .min(1)
    .max(MAX_ITEMS),
});

export const importReply = z.object({ items: z.array(tokenOrError) });

const MAX_TAGS = 32;

const tags = z.record(z.string(), z.union([z.string().max(256), z.number(), z.boolean()])).meta({
  description:
    'Members of the metadata, all of which must be equal: text of at most 256 characters, numbers, booleans.',
  sensitive: true,
  maxProperties: MAX_TAGS,
});

export const searchTokensBody = z.strictObject({
  field: fieldName.optional(),
  tags: tags.optional(),
  from: rfc3339.meta({ description: 'Not made before this moment (RFC 3339).' }).optional(),
  to: rfc3339.meta({ description: 'Made before this moment (RFC 3339).' }).optional(),
  limit: z
    .int()
    .min(1)
    .max(1000)
    .meta({ description: 'How many tokens a page may hold; 100 when absent.' })
    .optional(),
  cursor: text(1024).meta({ description: 'Of the page before, with the same filter.' }).optional(),
});

export const searchTokensReply = z.object({
  items: z.array(
    z.object({ token, field: z.string(), createdAt: instant, expiresAt: instant.optional() }),
  ),
  cursor: z
    .string()
    .meta({ description: 'For the next page. As long as there is one there may be more.' })
    .optional(),
});
