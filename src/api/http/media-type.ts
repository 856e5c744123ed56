import type { FastifyRequest } from 'fastify';
import { VaultError } from '../../domain/errors.ts';

/**
 * RFC 9110 §8.3.1, in the spellings that clients use. Nothing else may reach a parser: tabs, spaces and
 * parameters in odd places have four times got a body past its validation (CVE-2025-32442,
 * CVE-2026-25223, CVE-2026-33806, GHSA-573f-x89g-hqp9).
 */
const JSON_UTF8 = /^application\/json(?:; ?charset=(?:utf-8|"utf-8"))?$/i;

/** Throws `unsupported_media_type` unless the body is JSON in UTF-8, sent as it is (no compression). */
export function checkMediaType(request: Pick<FastifyRequest, 'headers'>): void {
  const { 'content-type': type, 'content-encoding': encoding } = request.headers;
  if (type === undefined || !JSON_UTF8.test(type) || encoding !== undefined) {
    throw new VaultError('unsupported_media_type');
  }
}
