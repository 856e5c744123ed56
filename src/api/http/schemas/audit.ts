import { z } from 'zod';
import { EXPORT_FORMATS } from '../../../operations/export/request.ts';
import { instant, purpose, rfc3339, subject, text, token } from './members.ts';

const OUTCOMES = ['allow', 'deny', 'error'] as const;
const MAX_PAGE = 1000;

const vaultName = text(128).meta({ description: 'Only events of this vault.' });
const from = rfc3339.meta({ description: 'Not before this moment (RFC 3339).' });
const to = rfc3339.meta({ description: 'Before this moment (RFC 3339).' });

export const searchBody = z.strictObject({
  vault: vaultName.optional(),
  token: token.meta({ description: 'Events about this token.', sensitive: true }).optional(),
  subject: subject
    .meta({
      description: 'Events about live tokens of this person of yours; needs `vault`.',
      sensitive: true,
    })
    .optional(),
  actor: text(256)
    .meta({ description: 'Events of this caller: the subject of its credential.', sensitive: true })
    .optional(),
  action: z
    .string()
    .max(64)
    .regex(/^[a-z]+(?:\.[a-z]+)*$/)
    .meta({ description: 'What was asked for: `detokenize`, `token.revoke`, `audit.search` …' })
    .optional(),
  outcome: z.enum(OUTCOMES).optional(),
  purpose: purpose.meta({ description: 'The purpose that the caller declared.' }).optional(),
  reference: text(256)
    .meta({ description: 'The reference that the caller gave.', sensitive: true })
    .optional(),
  from: from.optional(),
  to: to.optional(),
  limit: z
    .int()
    .min(1)
    .max(MAX_PAGE)
    .meta({ description: 'How many events a page may hold; 50 when absent.' })
    .optional(),
  cursor: text(256).meta({ description: 'Of the page before, with the same filter.' }).optional(),
});

/** Names of members are the caller's or the log's own: what stands in them was checked when it was written. */
const anything = (description: string) =>
  z.looseObject({}).meta({ description }) as unknown as z.ZodType<{
    readonly [name: string]: unknown;
  }>;

const texts = (description: string) => z.array(z.string()).readonly().meta({ description });

export const eventReply = z.object({
  id: z.string(),
  index: z.int().meta({ description: 'Its place in its shard.' }),
  shard: z.string(),
  time: instant,
  action: z.string(),
  outcome: z.enum(OUTCOMES),
  status: z.int().meta({ description: 'HTTP status of the answer.' }),
  reason: z.string().optional(),
  vault: z.string().optional(),
  policy: z
    .string()
    .meta({ description: 'Version and SHA-256 of the policy that decided.' })
    .optional(),
  items: z.int().meta({ description: 'How many tokens, values or events it touched.' }),
  count: z.int().meta({ description: 'How many like requests it stands for.' }).optional(),
  attributes: anything('Facts of the log about itself.').optional(),
  actor: z
    .object({
      subject: z.string().optional(),
      issuer: z.string().optional(),
      credential: z.string().optional(),
      mfa: z.boolean().optional(),
    })
    .meta({ description: 'Who asked.', sensitive: true })
    .optional(),
  source: z
    .object({ ip: z.string().optional(), userAgent: z.string().optional() })
    .meta({ description: 'From where.', sensitive: true })
    .optional(),
  tokens: texts('Token references, in the order of the request.')
    .meta({ sensitive: true })
    .optional(),
  fields: texts('The fields that it named.').optional(),
  view: z.string().optional(),
  purpose: z.string().optional(),
  reference: z.string().meta({ sensitive: true }).optional(),
  requestId: z.string().optional(),
  query: anything('What a reader of the log asked for; persons and references as keyed terms.')
    .meta({ sensitive: true })
    .optional(),
  erased: z
    .array(z.enum(['who', 'what']))
    .readonly()
    .meta({
      description: 'Parts that are erased, or whose key is destroyed. The event stays proved.',
    })
    .optional(),
});

export const searchReply = z.object({
  events: z.array(eventReply),
  cursor: z
    .string()
    .meta({
      description:
        'For the next page. As long as there is one there may be more, also after a page that is not full.',
    })
    .optional(),
});

export const exportBody = z.strictObject({
  format: z.enum(EXPORT_FORMATS).meta({
    description:
      '`native` and `ocsf` (1.8 API Activity) are lines of JSON; `tar` is the whole static log.',
  }),
  shard: text(16).meta({ description: 'Of the log; `active` when absent.' }).optional(),
  vault: vaultName.optional(),
  from: from.optional(),
  to: to.optional(),
});
