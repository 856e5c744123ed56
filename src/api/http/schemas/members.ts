import { z } from 'zod';
import { ERROR_CODES } from '../../../domain/errors.ts';
import type { JsonValue } from '../../../operations/operation.ts';

// The members that several calls share. `sensitive` marks what must not reach a log: the redaction list
// derives from the marks, and a test pins it.

// Spelled out, not \P{Cc}: the same pattern stands in the OpenAPI document, and not every client's
// regular expressions know Unicode properties.
// biome-ignore lint/suspicious/noControlCharactersInRegex: to keep them out is what it is for
const NO_CONTROLS = /^[^\u0000-\u001f\u007f-\u009f]*$/u;
const NAME = /^[A-Za-z][A-Za-z0-9_-]*$/;

/** Text of the caller: not empty, without control characters. */
export const text = (maxChars: number) => z.string().min(1).max(maxChars).regex(NO_CONTROLS);

export const fieldName = z.string().max(63).regex(NAME).meta({
  description: 'A field of the vault.',
});

export const viewName = z.string().max(63).regex(NAME).meta({
  description: 'How much to show: `full`, or a mask that the field declares.',
});

/** No length here: a token of mode `siv` holds its value, and is bounded as that is, by the body. */
export const token = z.string().min(1).regex(NO_CONTROLS).meta({
  description: 'A token.',
  sensitive: true,
});

/** No length here: the body limit bounds it, and counting characters of 4 MiB is work for attackers. */
export const value = z.string().meta({
  description: 'The value in clear. The field says what is valid and how long it may be.',
  sensitive: true,
});

export const subject = text(256).meta({
  description: 'Your reference of the person whom the value belongs to.',
  sensitive: true,
});

export const purpose = text(64).meta({
  description: 'Why the value is needed: a purpose that the policy declares.',
});

export const reference = text(256).meta({
  description: 'Your case number, where the policy asks for one.',
  sensitive: true,
});

export const approval = text(128).meta({
  description: 'Id of an approval that someone else gave.',
});

/** Any JSON object: the parser vouches for its members, the operation for its size. */
export const metadata = z.looseObject({}).meta({
  description: 'Anything of yours, sealed, at most 4 KiB of JSON.',
  sensitive: true,
}) as unknown as z.ZodType<{ [key: string]: JsonValue }>;

/** A moment in a request. */
export const rfc3339 = z
  .string()
  .max(64)
  .regex(
    /^\d{4}-\d{2}-\d{2}[Tt](?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d{2}:\d{2})$/,
  );

export const expiresAt = rfc3339.meta({
  description: 'When the token ends (RFC 3339, with `Z` or an offset).',
});

/** A moment in an answer. */
export const instant = z.string().meta({ description: 'RFC 3339, in UTC.' });

/** The fate of one batch item that failed; the codes are those of the single call. */
export const itemError = z
  .object({ code: z.enum(ERROR_CODES), message: z.string(), retryable: z.boolean() })
  .meta({ description: 'Present when this item failed; the other members are then absent.' });

export const MAX_ITEMS = 1000;
