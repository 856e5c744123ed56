import type { SealBinding, VaultCipher } from '../../crypto/vault-cipher.ts';
import { VaultError } from '../../domain/errors.ts';
import type { JsonValue } from '../operation.ts';
import type { StoredToken, SubjectRow } from '../ports/token-store.ts';
import type { VolatileToken } from '../ports/volatile-store.ts';
import type { Session } from './access.ts';

/** Cap on a token's metadata, in bytes of its JSON text. */
const MAX_METADATA_BYTES = 4096;

type Metadata = { [key: string]: JsonValue };

/** What a row holds sealed, and what it is bound to. `owner`: the subject under whose secret it is. */
type Content = { value: string; metadata?: string | undefined };
type Place = { fieldId: number; token: string; owner?: SubjectRow | undefined };

/**
 * Metadata as the text that is sealed.
 * @throws VaultError `invalid_request` when it is larger than 4 KiB
 */
export function encodeMetadata(metadata: Metadata | undefined): string | undefined {
  const json = metadata === undefined ? undefined : JSON.stringify(metadata);
  if (json !== undefined && Buffer.byteLength(json) > MAX_METADATA_BYTES) {
    const problems = [{ path: '/metadata', rule: 'max_bytes' }];
    throw new VaultError('invalid_request', { problems });
  }
  return json;
}

/**
 * Seals a value and its metadata (of `encodeMetadata`) for their row, under the owner's secret where
 * there is an owner, so that neither opens once that secret is gone.
 */
export function sealContent(
  cipher: VaultCipher,
  { value, metadata }: Content,
  place: Place,
): { sealed: Buffer; metadata?: Buffer } {
  return withSecret(cipher, place, (binding, secret) => ({
    sealed: cipher.sealValue(value, binding, secret),
    ...(metadata === undefined ? {} : { metadata: cipher.sealMetadata(metadata, binding, secret) }),
  }));
}

/** The clear value of a row; `internal` when it was moved, swapped or altered. */
export function openValue({ cipher }: Session, row: StoredToken): string {
  return withSecret(cipher, { ...row, owner: row.subject }, (binding, secret) =>
    cipher.openValue(row.sealed, binding, secret),
  );
}

/** The metadata of a row, stored or volatile, that has some. The text was written by `encodeMetadata`, so it parses. */
export function openMetadata(
  { cipher }: Session,
  row: Place & { metadata?: Buffer; subject?: SubjectRow },
): Metadata | undefined {
  const { metadata } = row;
  if (metadata === undefined) return undefined;
  return withSecret(cipher, { ...row, owner: row.subject }, (binding, secret) =>
    JSON.parse(cipher.openMetadata(metadata, binding, secret)),
  );
}

/** The clear value of a volatile row; `internal` when it is not as we put it, its times included. */
export function openVolatile({ cipher }: Session, row: VolatileToken): string {
  const { fieldId, token, createdAtMs, expiresAtMs, sealed } = row;
  return cipher.openVolatile(sealed, { fieldId, token, createdAtMs, expiresAtMs });
}

/** Lends the owner's secret to `work`, and wipes it after. */
function withSecret<T>(
  cipher: VaultCipher,
  { fieldId, token, owner }: Place,
  work: (
    binding: SealBinding,
    secret: ReturnType<VaultCipher['openSubjectSecret']> | undefined,
  ) => T,
): T {
  if (owner === undefined) return work({ fieldId, token }, undefined);
  const secret = cipher.openSubjectSecret(owner.sealedSecret, owner.digest);
  try {
    return work({ fieldId, token, subjectId: owner.id }, secret);
  } finally {
    secret.wipe();
  }
}
