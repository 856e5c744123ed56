import { hash } from 'node:crypto';
import { KEY_BYTES } from './ed25519.ts';
import { SIGNATURE_TYPES, type SignatureType } from './signature-type.ts';
import { decodeBase64 } from './text.ts';
import { TlogError } from './tlog-error.ts';

/** Name and id (8 hexadecimal digits) together say which key made a signature (signed-note). */
export type KeyRef = { name: string; keyId: string };

/** A key as text: the byte of its type, and its 32 bytes (a public key, or the seed of a private one). */
export type KeyText = KeyRef & { typeByte: number; bytes: Buffer };

/** Name, key id and base64. A name has no plus; base64 may have some. */
const KEY_TEXT = /^([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/;
const UNFIT_FOR_NAME = /[\p{White_Space}+\p{Surrogate}]/u;
const SPACE = 0x20;

/**
 * Whether this may name a key: not empty, no Unicode space, no plus (signed-note), and nothing that a
 * note could not hold.
 */
export function isKeyName(name: string): boolean {
  const isControl = (char: string) => char.charCodeAt(0) < SPACE;
  return name !== '' && !UNFIT_FOR_NAME.test(name) && ![...name].some(isControl);
}

/** The id of a public key: SHA-256(name ‖ newline ‖ type ‖ key), its first 4 bytes (signed-note). */
export function keyIdOf(key: { name: string; type: SignatureType; publicKey: Uint8Array }): string {
  const type = Buffer.from([SIGNATURE_TYPES[key.type].byte]);
  const input = Buffer.concat([Buffer.from(`${key.name}\n`), type, key.publicKey]);
  return hash('sha256', input, 'hex').slice(0, 8);
}

/** Reads `<name>+<key id>+<base64(type ‖ bytes)>`; the id is not checked yet. Throws `key_invalid`. */
export function parseKeyText(text: string): KeyText {
  const [, name = '', keyId = '', base64 = ''] = KEY_TEXT.exec(text) ?? [];
  const [typeByte, ...bytes] = decodeBase64(base64) ?? [];
  if (!isKeyName(name) || typeByte === undefined || bytes.length !== KEY_BYTES) {
    throw new TlogError('key_invalid');
  }
  return { name, keyId, typeByte, bytes: Buffer.from(bytes) };
}

/** Writes what `parseKeyText` reads. Throws `key_invalid` for a name or length that it would refuse. */
export function formatKeyText({ name, keyId, typeByte, bytes }: KeyText): string {
  if (!isKeyName(name) || bytes.length !== KEY_BYTES) {
    throw new TlogError('key_invalid');
  }
  return `${name}+${keyId}+${Buffer.concat([Buffer.from([typeByte]), bytes]).toString('base64')}`;
}
