/**
 * The bytes of canonical, unpadded base64url (RFC 4648 §5), or `undefined`. Node's decoder skips what is no
 * base64url and ignores spare bits, so that many texts would give the same bytes.
 */
export function decodeBase64url(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url');
  return bytes.toString('base64url') === text ? bytes : undefined;
}
