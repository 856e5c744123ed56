/** Longest text that is a token and not computed from a value of any length (mode siv). */
export const MAX_TOKEN_LENGTH = 256;

/** A space may stand inside: formats that keep separators keep that one, too. */
const TOKEN_TEXT = /^[ -}][ -~]{0,255}$/;
const SIV = /^([a-z][a-z0-9]{0,15})~([1-9][0-9]{0,9})\.([A-Za-z0-9_-]{22,})$/;
const MAX_VERSION = 2 ** 32 - 1;

/**
 * True for what may be asked of the store: 1 to 256 printable ASCII characters. The first one is no `~`:
 * such rows are the store's own, and no caller's.
 */
export function isTokenText(text: string): boolean {
  return TOKEN_TEXT.test(text);
}

/**
 * The prefix of a text with the form of a computed token, `<prefix>~<key version>.<base64url>` (DESIGN
 * §6), at least 16 bytes of it; else `undefined`. One token has one spelling: no padding, no leading
 * zeros, and bits that encode nothing are zero (RFC 4648 §3.5). Whether it is genuine is not judged.
 */
export function sivPrefixOf(text: string): string | undefined {
  // Nearly no token is of this form, and the expression takes its time to find that out.
  if (!text.includes('~')) return undefined;
  const [, prefix, version = '', body = ''] = SIV.exec(text) ?? [];
  return Number(version) <= MAX_VERSION && isCanonicalBase64Url(body) ? prefix : undefined;
}

function isCanonicalBase64Url(text: string): boolean {
  const last = text.slice(-1);
  switch (text.length % 4) {
    case 0:
      return true;
    case 2:
      return 'AQgw'.includes(last);
    case 3:
      return 'AEIMQUYcgkosw048'.includes(last);
    default:
      return false;
  }
}
