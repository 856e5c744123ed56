import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { importSeed, publicKeyBytes, seedBytes } from './ed25519.ts';
import { formatKeyText, type KeyRef, keyIdOf, parseKeyText } from './key-text.ts';
import { cosignatureHeader, SIGNATURE_TYPES, type SignatureType } from './signature-type.ts';
import { TlogError } from './tlog-error.ts';
import { formatVerifierKey } from './verifier-key.ts';

/** An Ed25519 private key under a name, still without a purpose: see `makeNoteSigner`, `makeCosigner`. */
export type SigningKey = { name: string; privateKey: KeyObject };

/** A private key that makes signatures of one type. */
export type Signer = KeyRef & {
  /** The public half, as `parseVerifierKey` reads it. */
  verifierKey: string;
  /** The blob (what follows the key id) of a signature on the note text. */
  sign(text: string): Buffer;
};

const PREFIX = 'PRIVATE+KEY+';

/**
 * Reads a private key in the format of Go's note package: `PRIVATE+KEY+<name>+<key id>+<base64(0x01 ‖
 * seed)>`. The id is that of the note key (0x01). Throws `key_invalid`.
 */
export function parseSigningKey(text: string): SigningKey {
  const key = parseKeyText(text.startsWith(PREFIX) ? text.slice(PREFIX.length) : '');
  const { name, keyId, typeByte } = key;
  const privateKey = importSeed(key.bytes);
  const publicKey = publicKeyBytes(privateKey);
  const isOfType = typeByte === SIGNATURE_TYPES.ed25519.byte;
  if (!isOfType || keyIdOf({ name, type: 'ed25519', publicKey }) !== keyId) {
    throw new TlogError('key_invalid');
  }
  return { name, privateKey };
}

/** Makes a new private key, as text for `parseSigningKey`: a secret. Throws `key_invalid` for an unfit name. */
export function generateSigningKey(name: string): string {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const keyId = keyIdOf({ name, type: 'ed25519', publicKey: publicKeyBytes(publicKey) });
  const typeByte = SIGNATURE_TYPES.ed25519.byte;
  return `${PREFIX}${formatKeyText({ name, keyId, typeByte, bytes: seedBytes(privateKey) })}`;
}

/** Signs notes as a log does (type 0x01). */
export function makeNoteSigner(key: SigningKey): Signer {
  return makeSigner({ key, type: 'ed25519', header: () => Buffer.alloc(0) });
}

/**
 * Cosigns checkpoints as a witness does (type 0x04), at the time that `timeSeconds` gives, in POSIX
 * seconds (`number_invalid`). A cosignature says that the checkpoint extends every one that this witness
 * has cosigned before: the caller must have checked that, and stored it.
 */
export function makeCosigner(key: SigningKey, timeSeconds: () => number): Signer {
  return makeSigner({ key, type: 'cosignature', header: () => cosignatureHeader(timeSeconds()) });
}

function makeSigner(options: {
  key: SigningKey;
  type: SignatureType;
  header: () => Buffer;
}): Signer {
  const { key, type } = options;
  const { name, privateKey } = key;
  const publicKey = publicKeyBytes(privateKey);
  return {
    name,
    keyId: keyIdOf({ name, type, publicKey }),
    verifierKey: formatVerifierKey({ name, type, publicKey }),
    sign(text) {
      const header = options.header();
      const message = Buffer.from(SIGNATURE_TYPES[type].message(text, header));
      return Buffer.concat([header, sign(undefined, message, privateKey)]);
    },
  };
}
