import { VaultError } from '../domain/errors.ts';
import { decodeBase64url } from './base64url.ts';

const MAX_CURSOR_CHARS = 1_024;

/**
 * What a sealed cursor holds. `open` gets its bytes; whatever it throws, and any text that is no canonical
 * base64url, is `invalid_request` at `/cursor`.
 */
export function openCursorText<Place>(cursor: string, open: (sealed: Buffer) => Place): Place {
  try {
    const isShort = cursor.length <= MAX_CURSOR_CHARS;
    return open((isShort ? decodeBase64url(cursor) : undefined) ?? Buffer.alloc(0));
  } catch (cause) {
    const problems = [{ path: '/cursor', rule: 'not_a_cursor_of_this_search' }];
    throw new VaultError('invalid_request', { cause, problems });
  }
}
