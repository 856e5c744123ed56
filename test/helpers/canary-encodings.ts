import { createHash } from 'node:crypto';

/** One spelling of a secret, as the bytes to look for. */
export type Spelling = { encoding: string; bytes: Buffer };

/** Shorter ones are found by chance. */
const MIN_BYTES = 8;

/**
 * Every spelling in which a text could have been written down: plain, both cases of hex, base64 and
 * base64url wherever in a longer text it began, URL and JSON escapes, UTF-16, backwards, and the
 * digests without a key that a searcher of small value spaces would undo at once.
 */
export function spellingsOf(text: string): Spelling[] {
  const bytes = Buffer.from(text);
  const spellings = [
    { encoding: 'plain', bytes },
    { encoding: 'utf-16le', bytes: Buffer.from(text, 'utf16le') },
    { encoding: 'utf-16be', bytes: Buffer.from(text, 'utf16le').swap16() },
    { encoding: 'reversed', bytes: Buffer.from([...text].reverse().join('')) },
    { encoding: 'url', bytes: Buffer.from(encodeURIComponent(text)) },
    { encoding: 'url of everything', bytes: Buffer.from(percentEncode(bytes)) },
    { encoding: 'form', bytes: Buffer.from(new URLSearchParams({ '': text }).toString().slice(1)) },
    { encoding: 'json escapes', bytes: Buffer.from(escapeJson(text)) },
    ...asText('text', bytes),
    ...['md5', 'sha1', 'sha256'].flatMap((algorithm) => {
      const digest = createHash(algorithm).update(bytes).digest();
      return [{ encoding: algorithm, bytes: digest }, ...asText(algorithm, digest)];
    }),
  ];
  // Of spellings that come to the same bytes, the first one names them.
  const distinct = new Map(
    spellings.reverse().map((spelling) => [spelling.bytes.toString('latin1'), spelling]),
  );
  return [...distinct.values()].filter((spelling) => spelling.bytes.length >= MIN_BYTES);
}

/** The spellings of bytes as text. */
function asText(what: string, bytes: Buffer): Spelling[] {
  const hex = bytes.toString('hex');
  return [
    { encoding: `hex of ${what}`, bytes: Buffer.from(hex) },
    { encoding: `HEX of ${what}`, bytes: Buffer.from(hex.toUpperCase()) },
    ...[0, 1, 2].flatMap((shift) => {
      const base64 = shiftedBase64(bytes, shift);
      const base64url = base64.replaceAll('+', '-').replaceAll('/', '_');
      return [
        { encoding: `base64 of ${what}, shifted by ${shift}`, bytes: Buffer.from(base64) },
        { encoding: `base64url of ${what}, shifted by ${shift}`, bytes: Buffer.from(base64url) },
      ];
    }),
  ];
}

/**
 * The characters of base64 that follow from these bytes alone when `shift` unknown bytes stand before
 * them in a group of three, and unknown ones after them.
 */
function shiftedBase64(bytes: Buffer, shift: number): string {
  const bits = (shift + bytes.length) * 8;
  const text = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64');
  return text.slice(Math.ceil((shift * 8) / 6), Math.floor(bits / 6));
}

function percentEncode(bytes: Buffer): string {
  return [...bytes].map((byte) => `%${byte.toString(16).padStart(2, '0').toUpperCase()}`).join('');
}

/** As strict ASCII JSON: everything else as `\uXXXX`. */
function escapeJson(text: string): string {
  return JSON.stringify(text)
    .slice(1, -1)
    .replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
