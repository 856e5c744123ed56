import { buildDecrypt } from '@aws-crypto/decrypt-node';
import { buildEncrypt } from '@aws-crypto/encrypt-node';
import { AlgorithmSuiteIdentifier, CommitmentPolicy } from '@aws-crypto/material-management-node';
import { RawAesKeyringNode, RawAesWrappingSuiteIdentifier } from '@aws-crypto/raw-aes-keyring-node';
import { VaultError } from '../domain/errors.ts';
import { hmacSha256 } from './digest.ts';
import { type SecretBytes, SecretKey } from './secret.ts';

const KEY_BYTES = 32;
const KEY_ID_BYTES = 8;
const NAMESPACE = 'counterfoil';

/** Committing, and without a signature: who can wrap can unwrap, so a signature would prove nothing. */
const SUITE = AlgorithmSuiteIdentifier.ALG_AES256_GCM_IV12_TAG16_HKDF_SHA512_COMMIT_KEY;

/** What a wrapped key is for. Authenticated; compared in full when the key is unwrapped. */
export type KeyContext = Readonly<Record<'app' | 'vault' | 'purpose' | 'version', string>>;

/** Wraps data keys under a root key (AWS Encryption SDK message format 2). */
export type Keyring = {
  /** Tells root keys apart; not secret. */
  id: string;
  /** Wraps a 32-byte data key. The caller wipes `key`. */
  wrap(key: Buffer, context: KeyContext): Promise<Buffer>;
  /** Rejects with `key_unavailable` for every cause; the detail is for the operator's log. */
  unwrap(wrapped: Buffer, context: KeyContext): Promise<SecretKey>;
};

/**
 * A short public name of a root key: HMAC-SHA-256 under the key itself over a constant label, the first
 * 8 bytes in hex. Throws `key_unavailable` unless the key has 32 bytes.
 */
export function rootKeyId(rootKey: SecretBytes): string {
  const bytes = rootKey.reveal();
  if (bytes.length !== KEY_BYTES) {
    throw new VaultError('key_unavailable', { detail: 'the root key must have 32 bytes' });
  }
  const key = SecretKey.take(Buffer.from(bytes));
  const digest = hmacSha256(key, Buffer.from('counterfoil/root-key-id/v1'));
  return digest.subarray(0, KEY_ID_BYTES).toString('hex');
}

/**
 * A keyring over one raw AES-256 root key. Key commitment is required both ways, and a wrapped key has
 * exactly one encrypted data key: a second one could decrypt to another plaintext. The caller may wipe
 * `rootKey` afterwards; the SDK keeps its own copy as long as the keyring lives.
 */
export function makeKeyring({ rootKey }: { rootKey: SecretBytes }): Keyring {
  const id = rootKeyId(rootKey);
  const options = {
    commitmentPolicy: CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT,
    maxEncryptedDataKeys: 1,
  };
  const { encrypt } = buildEncrypt(options);
  const { decrypt } = buildDecrypt(options);
  const keyring = new RawAesKeyringNode({
    keyName: id,
    keyNamespace: NAMESPACE,
    // A buffer of its own: the SDK wipes what it takes.
    unencryptedMasterKey: isolatedCopy(rootKey.reveal()),
    wrappingSuite: RawAesWrappingSuiteIdentifier.AES256_GCM_IV12_TAG16_NO_PADDING,
  });

  return {
    id,
    wrap: async (key, context) => {
      const { result } = await encrypt(keyring, key, {
        suiteId: SUITE,
        encryptionContext: { ...context },
        plaintextLength: key.length,
      });
      return result;
    },
    unwrap: async (wrapped, context) => {
      const { plaintext, messageHeader } = await decrypt(keyring, wrapped).catch(
        (cause: unknown) => {
          const ours = wrapped.includes(id);
          const detail = ours
            ? 'a wrapped key does not open'
            : 'a key is wrapped under another root key';
          throw new VaultError('key_unavailable', { cause, detail });
        },
      );
      // The SDK authenticates the context that the message names; that it is the one we asked for is
      // ours to check. Without it the database's owner could swap whole wrapped keys.
      const isAsked =
        messageHeader.suiteId === SUITE &&
        plaintext.length === KEY_BYTES &&
        sameContext(messageHeader.encryptionContext, context);
      if (!isAsked) {
        plaintext.fill(0);
        throw new VaultError('key_unavailable', { detail: 'a wrapped key is for something else' });
      }
      return SecretKey.take(plaintext);
    },
  };
}

function isolatedCopy(bytes: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(copy);
  return copy;
}

function sameContext(found: Readonly<Record<string, string>>, asked: KeyContext): boolean {
  const names = Object.entries(asked);
  return (
    Object.keys(found).length === names.length &&
    names.every(([name, value]) => found[name] === value)
  );
}
