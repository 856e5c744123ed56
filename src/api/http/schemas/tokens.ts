import { z } from 'zod';
import { instant, MAX_ITEMS, metadata, token } from './members.ts';

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
