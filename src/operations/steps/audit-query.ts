import { termOf } from '../../crypto/audit-term.ts';
import type { Json } from '../../domain/audit/jcs.ts';
import type { AuditFilter } from '../audit-operations.ts';
import type { AuditDeps } from './audit-deps.ts';
import type { AuditScope } from './audit-scope.ts';

/**
 * The criteria of a search as they go on record. Who was looked for must not outlive an erasure in the record
 * of having been looked for, so persons and references stand there as this month's keyed terms
 * (`term:<16 hex digits>`), a subject and what is no token of ours as keyed digests of their vault, and a
 * purpose that no policy declares as a term, too: it could be any text.
 */
export async function queryOnRecord(
  { auditKeys, clock, keys }: AuditDeps,
  filter: AuditFilter,
  { vaults }: AuditScope,
): Promise<{ [name: string]: Json }> {
  const { token, subject, actor, purpose, reference, ...plain } = filter;
  const key = await auditKeys.auditTerm(clock.now());
  const term = (kind: Parameters<typeof termOf>[1], text: string | undefined) =>
    text && `term:${hexOf(termOf(key, kind, text).hash)}`;
  const ciphers = await Promise.all(
    token === undefined && subject === undefined ? [] : vaults.map(({ id }) => keys.cipherOf(id)),
  );
  const isDeclared =
    purpose !== undefined && vaults.some(({ policy }) => policy.purposes.has(purpose));
  return {
    ...plain,
    tokens: token && [...new Set(ciphers.map((cipher) => cipher.tokenReference(token)))],
    subject: subject && `hmac:${ciphers[0]?.subjectDigest(subject).toString('base64url')}`,
    actor: term('actor', actor),
    purpose: isDeclared ? purpose : term('purpose', purpose),
    reference: term('reference', reference),
  };
}

const hexOf = (hash: bigint) => BigInt.asUintN(64, hash).toString(16).padStart(16, '0');
