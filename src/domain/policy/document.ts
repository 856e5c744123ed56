import { z } from 'zod';
import { parseDuration } from '../duration.ts';
import { isTokenAlphabet } from '../tokens/characters.ts';
import { isTokenDomain, MAX_TOKEN_DOMAIN } from '../tokens/email.ts';
import { FORMAT_KINDS } from '../tokens/format.ts';
import { isTokenPrefix } from '../tokens/opaque.ts';
import { findZone } from './hours.ts';

/*
 * The whole policy format (DESIGN §5, §6) as shapes, part by part: head, field, grant. Parts that are
 * not built yet are here too: they parse, and `findUnbuilt` refuses them by path. Types and masks are
 * read by `parseValueType` and `parseMask`; names are resolved by the compiler.
 */

/** Caps, so that a policy cannot exhaust the service that loads it. */
export const LIMITS = {
  fields: 500,
  views: 50,
  roles: 200,
  grants: 100,
  purposes: 200,
  /** Of all patterns and references of a document together. */
  patternCharacters: 20_000,
} as const;

const NAME = /^[A-Za-z][A-Za-z0-9_-]{0,62}$/;
/** What `isName` asks for, in words. */
export const NAME_HINT = 'a letter, then at most 62 letters, digits, _ or -';
const VAULT_NAME = /^[a-z][a-z0-9-]{0,62}$/;
const VAULT_HINT = 'a lower-case letter, then at most 62 of a-z, 0-9, -; _system is reserved';
const BOUND_HINT = 'a date, or a whole number (beyond ±(2^53 − 1) as a string)';
const START_TIME = /^(?:[01]\d|2[0-3]):[0-5]\d$/;
const END_TIME = /^(?:(?:[01]\d|2[0-3]):[0-5]\d|24:00)$/;

const duration = z
  .string()
  .refine(
    (text) => parseDuration(text) !== undefined,
    'a whole number and s, m, h or d, as in 90d',
  );
const name = z.string().regex(NAME, NAME_HINT);
const count = (max: number) => z.int().min(1).max(max);

/** True for what a field, view, role or purpose can be called. No dots: paths have them. */
export function isName(text: string): boolean {
  return NAME.test(text);
}

export const headSchema = z.strictObject({
  apiVersion: z.literal('counterfoil/v1').optional(),
  vault: z.string().regex(VAULT_NAME, VAULT_HINT).optional(),
  description: z.string().max(1000).optional(),
  purposes: z.array(name).max(LIMITS.purposes).optional(),
  fields: z.unknown().optional(),
  roles: z.unknown().optional(),
});

export const tokenSchema = z.strictObject({
  mode: z.enum(['random', 'deterministic', 'fpe', 'siv', 'volatile']).default('random'),
  format: z.enum(FORMAT_KINDS).default('opaque'),
  prefix: z.string().refine(isTokenPrefix, 'a-z, then at most 15 of a-z, 0-9').optional(),
  scope: z.enum(['vault', 'caller', 'subject']).default('vault'),
  keepFirst: z.int().min(0).max(8).optional(),
  keepLast: z.int().min(0).max(4).optional(),
  luhn: z.enum(['fail', 'pass', 'any']).optional(),
  alphabet: z
    .string()
    .refine(isTokenAlphabet, '2 to 93 printable ASCII characters, each once, no space, no ~')
    .optional(),
  domain: z
    .string()
    .refine(
      (text) => text === 'keep' || isTokenDomain(text),
      `keep, or a domain in lower case, at most ${MAX_TOKEN_DOMAIN} characters`,
    )
    .optional(),
  min: z.union([z.int(), z.string().max(20)], BOUND_HINT).optional(),
  max: z.union([z.int(), z.string().max(20)], BOUND_HINT).optional(),
});

export const fieldSchema = z.strictObject({
  class: z.enum(['direct', 'quasi', 'sensitive', 'none']).optional(),
  type: z.string().optional(),
  length: z.unknown().optional(),
  pattern: z.unknown().optional(),
  min: z.unknown().optional(),
  max: z.unknown().optional(),
  /** Nothing longer fits a request body of 4 MiB together with its token and metadata. */
  maxBytes: count(1_048_576).default(4096),
  token: tokenSchema.prefault({}),
  views: z.unknown().optional(),
  retention: z
    .strictObject({
      ttl: duration.optional(),
      volatile: z.boolean().optional(),
      maxReveals: count(1_000_000_000).optional(),
    })
    .default({}),
});

const hoursSchema = z.strictObject({
  days: z.array(z.enum(['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'])).min(1),
  from: z.string().regex(START_TIME, '00:00 to 23:59'),
  to: z.string().regex(END_TIME, '00:00 to 24:00'),
  zone: z
    .string()
    .max(64)
    .refine((name) => findZone(name) !== undefined, 'an IANA time zone, as in Europe/Berlin'),
});

const requireSchema = z.strictObject({
  purpose: z.literal(true).optional(),
  reference: z.string().min(1).max(1000).optional(),
  mfa: z.literal(true).optional(),
  approval: z
    .union([z.literal(true), z.strictObject({ n: count(10) })], 'true, or {n: 1 to 10}')
    .optional(),
  hours: hoursSchema.optional(),
  sourceIps: z.array(z.string()).min(1).max(200).optional(),
  maxItems: count(1_000_000_000).optional(),
});

const all = z.literal('*');
const names = (max: number) => z.array(z.string()).min(1).max(max);

export const grantSchema = z.strictObject({
  allow: names(100).optional(),
  deny: names(100).optional(),
  fields: z.union([all, names(LIMITS.fields)], "'*', or a list of 1 to 500 names").optional(),
  views: z.union([all, names(LIMITS.views)], "'*', or a list of 1 to 50 names").optional(),
  require: requireSchema.optional(),
  budget: z.strictObject({ tokens: count(1_000_000_000), per: duration }).optional(),
  breakGlass: z.boolean().optional(),
});

export type TokenDocument = z.output<typeof tokenSchema>;
export type FieldDocument = z.output<typeof fieldSchema>;
export type GrantDocument = z.output<typeof grantSchema>;
export type RequireDocument = z.output<typeof requireSchema>;
