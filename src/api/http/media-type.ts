import type { FastifyRequest } from 'fastify';
import { VaultError } from '../../domain/errors.ts';

/**
 * RFC 9110 §8.3.1, in the spellings that clients use. Nothing else may reach a parser: tabs, spaces and
 * parameters in odd places have four times got a body past its validation (CVE-2025-32442,
 * CVE-2026-25223, CVE-2026-33806, GHSA-573f-x89g-hqp9).
 */
const IN_UTF8 = {
  'application/json': /^application\/json(?:; ?charset=(?:utf-8|"utf-8"))?$/i,
  'application/x-ndjson': /^application\/x-ndjson(?:; ?charset=(?:utf-8|"utf-8"))?$/i,
};

/** The media types of requests. */
export type MediaType = keyof typeof IN_UTF8;

/** Throws `unsupported_media_type` unless the body is of this type in UTF-8, sent as it is (no compression). */
export function checkMediaType(
  request: Pick<FastifyRequest, 'headers'>,
  mediaType: MediaType = 'application/json',
): void {
  const { 'content-type': type, 'content-encoding': encoding } = request.headers;
  if (type === undefined || !IN_UTF8[mediaType].test(type) || encoding !== undefined) {
    throw new VaultError('unsupported_media_type');
  }
}
