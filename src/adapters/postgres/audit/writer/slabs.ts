/** A piece of memory that was taken, until it is given back. */
export type Piece = { readonly bytes: Buffer; readonly slab: Slab | undefined };

type Slab = { readonly line: string; readonly memory: Buffer; used: number; pieces: number };

/** Memory for bytes that are given back in about the order in which they were taken. */
export type Slabs = {
  /**
   * So many bytes, not initialised. A piece that stays keeps all of its slab, so the pieces in one slab are of one
   * `line`: of those that come and go one after the other.
   */
  take(line: string, length: number): Piece;
  /** To be called once for each piece. Its bytes are somebody else's from then on. */
  giveBack(piece: Piece): void;
};

export const SLAB_BYTES = 1024 * 1024;
/** What is larger gets memory of its own, so that the end of a slab that stays unused is no large part of it. */
export const MAX_PIECE_BYTES = SLAB_BYTES / 8;
/** Of the slabs with nothing in them. The others are left to the garbage collector. */
export const MAX_SPARES = 4;

/**
 * Makes memory of slabs of 1 MiB that are used again. What lives for some hundred milliseconds is old to the garbage
 * collector by the time it goes, and only a whole collection finds it.
 */
export function makeSlabs(): Slabs {
  const spares: Buffer[] = [];
  /** The slab of each line that the next piece comes from. */
  const open = new Map<string, Slab>();

  function slabWithRoom(line: string, length: number): Slab {
    const last = open.get(line);
    if (last !== undefined && last.used + length <= SLAB_BYTES) return last;
    const memory = spares.pop() ?? Buffer.allocUnsafeSlow(SLAB_BYTES);
    const slab = { line, memory, used: 0, pieces: 0 };
    open.set(line, slab);
    return slab;
  }

  return {
    take(line, length) {
      if (length > MAX_PIECE_BYTES) {
        return { bytes: Buffer.allocUnsafeSlow(length), slab: undefined };
      }
      const slab = slabWithRoom(line, length);
      const bytes = slab.memory.subarray(slab.used, slab.used + length);
      slab.used += length;
      slab.pieces += 1;
      return { bytes, slab };
    },
    giveBack({ slab }) {
      if (slab === undefined) return;
      slab.pieces -= 1;
      if (slab.pieces > 0) return;
      if (open.get(slab.line) === slab) open.delete(slab.line);
      if (spares.length < MAX_SPARES) spares.push(slab.memory);
    },
  };
}
