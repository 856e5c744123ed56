import { TlogError } from './tlog-error.ts';

const NEWLINE = 0x0a;
const SPACE = 0x20;

/**
 * The text of a note or receipt: valid UTF-8, and of the control characters below U+0020 only the
 * newline (signed-note). A byte order mark stays in the text. Throws `text_invalid`.
 */
export function readText(input: string | Uint8Array): string {
  const text = typeof input === 'string' ? input : decodeUtf8(input);
  if (!text.isWellFormed()) {
    throw new TlogError('text_invalid');
  }
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    if (unit < SPACE && unit !== NEWLINE) {
      throw new TlogError('text_invalid');
    }
  }
  return text;
}

/** Decodes UTF-8 and refuses what is not. Throws `text_invalid`. */
export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new TlogError('text_invalid', { cause });
  }
}

/**
 * Decodes standard, padded base64 (RFC 4648 §4), or gives `undefined`. Only the one canonical text of
 * the bytes passes: no line breaks, no missing padding, no stray bits in the last character.
 */
export function decodeBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : undefined;
}
