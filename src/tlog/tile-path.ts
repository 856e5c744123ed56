import { checkNumber } from './numbers.ts';
import { TILE_WIDTH, type TileId } from './tile.ts';
import { TlogError } from './tlog-error.ts';

/** A hash tile, or the entry bundle beside the level-0 tile of the same index. */
export type TilePath = Omit<TileId, 'level'> & { level: number | 'entries' };

const MAX_LEVEL = 63;
/** Longer than any path of an index below 2^53. */
const MAX_PATH_CHARS = 64;
const PATH =
  /^tile\/(entries|0|[1-9][0-9]?)\/((?:x[0-9]{3}\/)*[0-9]{3})(?:\.p\/([1-9][0-9]{0,2}))?$/;

/**
 * The path of a tile below the log's prefix: `tile/<L>/<N>[.p/<W>]`, `tile/entries/<N>[.p/<W>]`
 * (tlog-tiles). Width 256 gives the full tile. Throws `number_invalid`.
 */
export function formatTilePath({ level, index, width }: TilePath): string {
  if (level !== 'entries') {
    checkNumber(level, { max: MAX_LEVEL });
  }
  checkNumber(index);
  checkNumber(width, { min: 1, max: TILE_WIDTH });
  const partial = width === TILE_WIDTH ? '' : `.p/${width}`;
  return `tile/${level}/${formatIndex(index)}${partial}`;
}

/**
 * Reads such a path; a path that `formatTilePath` would write otherwise (leading zeros, groups of
 * zeros, width 0 or 256, an index over 2^53 - 1) is refused. Throws `tile_path_invalid`.
 */
export function parseTilePath(path: string): TilePath {
  const match = path.length > MAX_PATH_CHARS ? undefined : PATH.exec(path);
  const [, level = '', groups = '', width] = match ?? [];
  const parsed: TilePath = {
    level: level === 'entries' ? level : Number(level),
    index: Number(groups.replace(/[x/]/g, '')),
    width: width === undefined ? TILE_WIDTH : Number(width),
  };
  if (!isCanonical(parsed, path)) {
    throw new TlogError('tile_path_invalid');
  }
  return parsed;
}

function isCanonical(parsed: TilePath, path: string): boolean {
  try {
    return formatTilePath(parsed) === path;
  } catch {
    return false;
  }
}

/** 1234067 → `x001/x234/067`. */
function formatIndex(index: number): string {
  const digits = String(index);
  const padded = digits.padStart(Math.ceil(digits.length / 3) * 3, '0');
  return padded.replace(/[0-9]{3}(?=[0-9])/g, 'x$&/');
}
