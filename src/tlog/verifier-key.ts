import { importPublicKey, isSignature } from './ed25519.ts';
import { formatKeyText, type KeyRef, keyIdOf, parseKeyText } from './key-text.ts';
import { blobBytes, SIGNATURE_TYPES, type SignatureType } from './signature-type.ts';
import { TlogError } from './tlog-error.ts';

/** A public key that verifies signatures of one type. */
export type Verifier = KeyRef & {
  type: SignatureType;
  /** 32 bytes (RFC 8032 §5.1.2). */
  publicKey: Buffer;
  /** Whether the blob (what follows the key id) is this key's signature on the note text. */
  verify(text: string, blob: Buffer): boolean;
};

/** What a verifier is made of, and what `formatVerifierKey` writes. */
export type PublicKey = Pick<Verifier, 'name' | 'type' | 'publicKey'>;

/**
 * Reads a public key of either signature type, `<name>+<key id>+<base64(type ‖ key)>` (signed-note,
 * "Verifier keys"), and checks its id. Throws `key_invalid`.
 */
export function parseVerifierKey(verifierKey: string): Verifier {
  const { name, keyId, typeByte, bytes } = parseKeyText(verifierKey);
  const type = signatureTypeOf(typeByte);
  if (type === undefined || keyIdOf({ name, type, publicKey: bytes }) !== keyId) {
    throw new TlogError('key_invalid');
  }
  return makeVerifier({ name, type, publicKey: bytes });
}

/** Writes a public key as `parseVerifierKey` reads it. Throws `key_invalid` for an unfit name or length. */
export function formatVerifierKey(key: PublicKey): string {
  const typeByte = SIGNATURE_TYPES[key.type].byte;
  return formatKeyText({ name: key.name, keyId: keyIdOf(key), typeByte, bytes: key.publicKey });
}

function makeVerifier({ name, type, publicKey }: PublicKey): Verifier {
  const { headerBytes, isHeader, message } = SIGNATURE_TYPES[type];
  const key = importPublicKey(publicKey);
  return {
    name,
    keyId: keyIdOf({ name, type, publicKey }),
    type,
    publicKey,
    verify(text, blob) {
      if (blob.length !== blobBytes(type)) {
        return false;
      }
      const header = blob.subarray(0, headerBytes);
      const signed = Buffer.from(message(text, header));
      const signature = blob.subarray(headerBytes);
      return isHeader(header) && isSignature({ key, message: signed, signature });
    },
  };
}

function signatureTypeOf(typeByte: number): SignatureType | undefined {
  const types = ['ed25519', 'cosignature'] as const satisfies SignatureType[];
  return types.find((type) => SIGNATURE_TYPES[type].byte === typeByte);
}
