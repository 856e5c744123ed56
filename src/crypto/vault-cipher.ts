import { isOpaque } from '../domain/tokens/opaque.ts';
import { hmacFrame } from './digest.ts';
import { type Ff1Engine, makeFf1Engine } from './ff1-engine.ts';
import { frame } from './framing.ts';
import { activeKey, type KeyVersions } from './key-versions.ts';
import { randomBytes } from './random.ts';
import { makeSealingBox } from './sealing-box.ts';
import { makeSearchCursors, type SearchCursors } from './search-cursor.ts';
import { SecretBytes } from './secret.ts';
import { makeVaultDigests, type VaultDigests } from './vault-digests.ts';
import { makeVaultless, type VaultlessCipher } from './vaultless.ts';

const SUBJECT_SECRET_BYTES = 32;
const FINGERPRINT_BYTES = 16;
/** Longer tokens are logged as digests (AUDIT-LOG, "Decisions"). */
const MAX_REFERENCE_BYTES = 64;

const REFERENCE_HEAD = frame(['counterfoil/token-reference/v1']);
const FINGERPRINT_HEAD = frame(['counterfoil/fingerprint/v1']);
const PLACEMENT_HEAD = frame(['counterfoil/placement/v1']);

/** What a sealed value is tied to. A row that is moved, swapped or relabelled does not open. */
export type SealBinding = { fieldId: number; token: string; subjectId?: string };

/** A normalised value and the equality class that it may be recognised in. */
export type KnownValue = { fieldId: number; scope: string; value: string };

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
  /** What mode `fpe` and mode `siv` make of values; nothing of it is stored. */
  vaultless: VaultlessCipher;
  /** Keyed digests that stay the same for ever (key `join`). */
  digests: VaultDigests;
  /** Values that are kept in memory only: bound to when they end, too. */
  sealVolatile(value: string, binding: VolatileBinding): Buffer;
  openVolatile(sealed: Buffer, binding: VolatileBinding): string;
  /**
   * The stored answer of an idempotent call, bound to the digests of its key and its body (32 bytes each): a
   * row that was given the digest of another body answers nobody.
   */
  sealAnswer(answer: string, call: AnswerBinding): Buffer;
  openAnswer(sealed: Buffer, call: AnswerBinding): string;
  /** Where a search for tokens goes on, as text that its caller cannot read or change. */
  searchCursors: SearchCursors;
};

/** A volatile value opens under the times that it was kept with only: a longer life cannot be written beside it. */
export type VolatileBinding = {
  fieldId: number;
  token: string;
  createdAtMs: number;
  expiresAtMs: number;
};

type AnswerBinding = { key: Buffer; body: Buffer };

/** The keys of one vault that its data needs. */
export type VaultKeyVersions = Record<
  'seal' | 'fingerprint' | 'placement' | 'join' | 'fpe' | 'siv' | 'idempotency',
  KeyVersions
>;

/**
 * Builds the cipher of one vault from unwrapped keys. Throws `internal` when an active key is missing.
 *
 * @param input.vaultId the number that the vault's data is bound to (`vault.seal_id`)
 * @param input.ff1 what does FF1's work; by default one of its own
 */
export function makeVaultCipher(input: {
  vaultId: number;
  keys: VaultKeyVersions;
  ff1?: Ff1Engine;
}): VaultCipher {
  const { vaultId, keys, ff1 = makeFf1Engine() } = input;
  const fingerprintKey = activeKey(keys.fingerprint);
  const placementKey = activeKey(keys.placement);
  const joinKey = activeKey(keys.join);
  const box = makeSealingBox(vaultId, keys.seal);
  const answers = makeSealingBox(vaultId, keys.idempotency);
  const bound = (head: Buffer, { fieldId, token, subjectId = '' }: SealBinding) =>
    frame([fieldId, token, subjectId], head);
  const valueHead = frame(['counterfoil/seal/v1', vaultId]);
  const valueAad = (binding: SealBinding) => bound(valueHead, binding);
  const metadataHead = frame(['counterfoil/metadata/v1', vaultId]);
  const metadataAad = (binding: SealBinding) => bound(metadataHead, binding);
  const volatileAad = ({ fieldId, token, createdAtMs, expiresAtMs }: VolatileBinding) =>
    frame(['counterfoil/volatile/v1', vaultId, fieldId, token, createdAtMs, expiresAtMs]);
  const answerAad = ({ key, body }: AnswerBinding) =>
    frame(['counterfoil/idempotency/v1', vaultId, key, body]);
  const subjectAad = (digest: Buffer) => frame(['counterfoil/subject-secret/v1', vaultId, digest]);

  return {
    sealValue: (value, binding, subjectSecret) => box.seal(value, valueAad(binding), subjectSecret),
    openValue: (sealed, binding, subjectSecret) =>
      box.openText(sealed, valueAad(binding), subjectSecret),
    sealMetadata: (json, binding, subjectSecret) =>
      box.seal(json, metadataAad(binding), subjectSecret),
    openMetadata: (sealed, binding, subjectSecret) =>
      box.openText(sealed, metadataAad(binding), subjectSecret),
    newSubjectSecret: () => new SecretBytes(randomBytes(SUBJECT_SECRET_BYTES)),
    sealSubjectSecret: (secret, digest) => box.seal(secret.reveal(), subjectAad(digest)),
    openSubjectSecret: (sealed, digest) => new SecretBytes(box.open(sealed, subjectAad(digest))),
    // Under the join key, not the fingerprint key: these digests must outlive fingerprint rotation, and
    // join has one version for life. Their labels keep them apart.
    subjectDigest: (subject) => hmacFrame(joinKey, ['counterfoil/subject/v1', subject]),
    tokenReference: (text) =>
      isOpaque(text) && text.length <= MAX_REFERENCE_BYTES
        ? text
        : `hmac:${hmacFrame(joinKey, [text], REFERENCE_HEAD).toString('base64url')}`,
    fingerprint: ({ fieldId, scope, value }) => ({
      version: keys.fingerprint.active,
      digest: hmacFrame(fingerprintKey, [fieldId, scope, value], FINGERPRINT_HEAD).subarray(
        0,
        FINGERPRINT_BYTES,
      ),
    }),
    placement: ({ fieldId, scope, value }) =>
      hmacFrame(placementKey, [fieldId, scope, value], PLACEMENT_HEAD).readUInt8(0),
    vaultless: makeVaultless({ vaultId, keys, ff1 }),
    digests: makeVaultDigests(joinKey),
    sealVolatile: (value, binding) => box.seal(value, volatileAad(binding)),
    openVolatile: (sealed, binding) => box.openText(sealed, volatileAad(binding)),
    sealAnswer: (answer, call) => answers.seal(answer, answerAad(call)),
    openAnswer: (sealed, call) => answers.openText(sealed, answerAad(call)),
    searchCursors: makeSearchCursors(vaultId, box),
  };
}
