import { openCursorText } from './cursor.ts';
import { frame, utf8 } from './framing.ts';
import type { SealingBox } from './sealing-box.ts';

const TIME_BYTES = 6;

/** Where a search for tokens goes on: after this one, in the order of creation and token. */
export type TokenPlace = { createdAt: Date; token: string };

export type SearchCursors = {
  /** The place as text for the caller, who need not see the last token that was looked at. */
  seal(query: string, place: TokenPlace): string;
  /** Throws `invalid_request` at `/cursor` for everything that `seal` did not make for this very query. */
  open(query: string, cursor: string): TokenPlace;
};

/**
 * Cursors of one vault's token searches: sealed, and bound to `query`, the text of who asks for what, so that
 * a cursor continues that search of that caller only.
 */
export function makeSearchCursors(vaultId: number, box: SealingBox): SearchCursors {
  const aadOf = (query: string): Buffer => frame(['counterfoil/search-cursor/v1', vaultId, query]);
  return {
    seal: (query, { createdAt, token }) => {
      const time = Buffer.alloc(TIME_BYTES);
      time.writeUIntBE(createdAt.getTime(), 0, TIME_BYTES);
      return box.seal(Buffer.concat([time, utf8(token)]), aadOf(query)).toString('base64url');
    },
    open: (query, cursor) =>
      openCursorText(cursor, (sealed) => {
        const place = box.open(sealed, aadOf(query));
        return {
          createdAt: new Date(place.readUIntBE(0, TIME_BYTES)),
          token: place.toString('utf8', TIME_BYTES),
        };
      }),
  };
}
