import { VaultError } from '../domain/errors.ts';
import { isOpaque } from '../domain/tokens/opaque.ts';
import { hkdfSha256, hmacSha256 } from './digest.ts';
import { type FramePart, frame, utf8 } from './framing.ts';
import { randomBytes } from './random.ts';
import { open, seal } from './sealed.ts';
import { SecretBytes, type SecretKey } from './secret.ts';
import { makeXaesKey, type XaesKey } from './xaes.ts';

const SUBJECT_SECRET_BYTES = 32;
const FINGERPRINT_BYTES = 16;
/** Longer tokens are logged as digests (AUDIT-LOG, "Decisions"). */
const MAX_REFERENCE_BYTES = 64;

/** What a sealed value is tied to. A row that is moved, swapped or relabelled does not open. */
export type SealBinding = { fieldId: number; token: string; subjectId?: string };

/** A normalised value and the equality class that it may be recognised in. */
export type KnownValue = { fieldId: number; scope: string; value: string };

/** Versions of one key: the one that new work uses, and all that can still be read. */
export type KeyVersions = { active: number; readable: ReadonlyMap<number, SecretKey> };

/** Every cryptographic act on the data of one vault. All failures to open are the one decryption error. */
export type VaultCipher = {
  /** With `subjectSecret` the value cannot be opened once that secret is gone. */
  sealValue(value: string, binding: SealBinding, subjectSecret?: SecretBytes): Buffer;
  openValue(sealed: Buffer, binding: SealBinding, subjectSecret?: SecretBytes): string;
  /** Metadata of a value, and sealed like it: under the same subject's secret where there is one. */
  sealMetadata(json: string, binding: SealBinding, subjectSecret?: SecretBytes): Buffer;
  openMetadata(sealed: Buffer, binding: SealBinding, subjectSecret?: SecretBytes): string;
  /** 256 random bits; wipe after use. */
  newSubjectSecret(): SecretBytes;
  /** Bound to the digest of its subject, so that no row can borrow another person's secret. */
  sealSubjectSecret(secret: SecretBytes, digest: Buffer): Buffer;
  openSubjectSecret(sealed: Buffer, digest: Buffer): SecretBytes;
  /** Keyed digest of the caller's reference of a person, 32 bytes; the same for ever. */
  subjectDigest(subject: string): Buffer;
  /**
   * How the audit log names a token: the token itself when it is one of ours and at most 64 bytes long,
   * else a keyed digest, because a caller may have put anything there, a card number included.
   */
  tokenReference(text: string): string;
  /** Blind index of a known value under the active version; 16 bytes (DESIGN §7). */
  fingerprint(known: KnownValue): { version: number; digest: Buffer };
  /** The shard that the token of a known value must fall into, 0 to 255 (DESIGN §6). */
  placement(known: KnownValue): number;
};

/** The keys of one vault that its data needs. */
export type VaultKeyVersions = Record<'seal' | 'fingerprint' | 'placement' | 'join', KeyVersions>;

/** Builds the cipher of one vault from unwrapped keys. Throws `internal` when an active key is missing. */
export function makeVaultCipher(input: { vaultId: number; keys: VaultKeyVersions }): VaultCipher {
  const { vaultId, keys } = input;
  const fingerprintKey = activeKey(keys.fingerprint);
  const placementKey = activeKey(keys.placement);
  const joinKey = activeKey(keys.join);
  const box = makeBox(vaultId, keys.seal);
  const bound = (label: string, { fieldId, token, subjectId = '' }: SealBinding) =>
    frame([label, vaultId, fieldId, token, subjectId]);
  const valueAad = (binding: SealBinding) => bound('counterfoil/seal/v1', binding);
  const metadataAad = (binding: SealBinding) => bound('counterfoil/metadata/v1', binding);
  const subjectAad = (digest: Buffer) => frame(['counterfoil/subject-secret/v1', vaultId, digest]);

  return {
    sealValue: (value, binding, subjectSecret) =>
      box.sealText(value, valueAad(binding), subjectSecret),
    openValue: (sealed, binding, subjectSecret) =>
      box.openText(sealed, valueAad(binding), subjectSecret),
    sealMetadata: (json, binding, subjectSecret) =>
      box.sealText(json, metadataAad(binding), subjectSecret),
    openMetadata: (sealed, binding, subjectSecret) =>
      box.openText(sealed, metadataAad(binding), subjectSecret),
    newSubjectSecret: () => new SecretBytes(randomBytes(SUBJECT_SECRET_BYTES)),
    sealSubjectSecret: (secret, digest) => box.seal(secret.reveal(), subjectAad(digest)),
    openSubjectSecret: (sealed, digest) => new SecretBytes(box.open(sealed, subjectAad(digest))),
    // Under the join key, not the fingerprint key: these digests must outlive fingerprint rotation, and
    // join has one version for life. Their labels keep them apart.
    subjectDigest: (subject) => keyed(joinKey, ['counterfoil/subject/v1', subject]),
    tokenReference: (text) =>
      isOpaque(text) && text.length <= MAX_REFERENCE_BYTES
        ? text
        : `hmac:${keyed(joinKey, ['counterfoil/token-reference/v1', text]).toString('base64url')}`,
    fingerprint: ({ fieldId, scope, value }) => ({
      version: keys.fingerprint.active,
      digest: keyed(fingerprintKey, ['counterfoil/fingerprint/v1', fieldId, scope, value]).subarray(
        0,
        FINGERPRINT_BYTES,
      ),
    }),
    placement: ({ fieldId, scope, value }) =>
      keyed(placementKey, ['counterfoil/placement/v1', fieldId, scope, value]).readUInt8(0),
  };
}

/** Seals and opens under the seal key, or under a subject's key derived from it. */
function makeBox(vaultId: number, versions: KeyVersions) {
  const { active } = versions;
  const activeSealKey = activeKey(versions);
  const vaultKeys = new Map<number, XaesKey>();
  for (const [version, key] of versions.readable) {
    vaultKeys.set(version, makeXaesKey(key));
  }
  const activeVaultKey = makeXaesKey(activeSealKey);
  const subjectKey = (sealKey: SecretKey, version: number, secret: SecretBytes): XaesKey => {
    const info = frame(['counterfoil/subject-seal/v1', vaultId, version]);
    return makeXaesKey(hkdfSha256({ key: sealKey, salt: secret.reveal(), info }));
  };
  const keyOf = (version: number, secret: SecretBytes | undefined): XaesKey | undefined => {
    const sealKey = versions.readable.get(version);
    return secret === undefined || sealKey === undefined
      ? vaultKeys.get(version)
      : subjectKey(sealKey, version, secret);
  };

  const box = {
    seal: (plaintext: Buffer, aad: Buffer, secret?: SecretBytes): Buffer => {
      const key = secret === undefined ? activeVaultKey : subjectKey(activeSealKey, active, secret);
      return seal({ version: active, key, plaintext, aad });
    },
    open: (sealed: Buffer, aad: Buffer, secret?: SecretBytes): Buffer =>
      open({ sealed, aad, keyOf: (version) => keyOf(version, secret) }),
    sealText: (text: string, aad: Buffer, secret?: SecretBytes): Buffer => {
      const plaintext = utf8(text);
      const sealed = box.seal(plaintext, aad, secret);
      plaintext.fill(0);
      return sealed;
    },
    openText: (sealed: Buffer, aad: Buffer, secret?: SecretBytes): string => {
      const plaintext = box.open(sealed, aad, secret);
      const text = plaintext.toString('utf8');
      plaintext.fill(0);
      return text;
    },
  };
  return box;
}

function keyed(key: SecretKey, parts: readonly FramePart[]): Buffer {
  return hmacSha256(key, frame(parts));
}

/** The key that new work uses. Throws `internal` when it is not among the readable ones. */
export function activeKey({ active, readable }: KeyVersions): SecretKey {
  const key = readable.get(active);
  if (key === undefined) {
    throw new VaultError('internal', { detail: 'a keyset lacks its active key' });
  }
  return key;
}
