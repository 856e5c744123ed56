/** Memory for bytes that are kept for a while, and given back in about the order in which they came. */
export type Slabs = {
  /** Copies these bytes. The copies hold until `release`, which may be called once; then others overwrite them. */
  copy(parts: readonly Uint8Array[]): { copies: Buffer[]; release: () => void };
};

/** `live`: how many copies in it are not released. */
type Slab = { bytes: Buffer; used: number; live: number };

/** Some fifty batches under load. */
const SLAB_BYTES = 1024 * 1024;
/** Empty slabs that are kept for the next copies; more go back to the system. */
const MAX_SPARE = 4;

/**
 * Makes memory that is used again and again. Bytes that live for half a second are what a garbage collector
 * is worst at: it takes them for old, and has to look through everything to find that they are not. Batches
 * of 24 events that were kept as they came cost 2 µs an event, and 60 MB.
 *
 * @param slabBytes what is longer than this gets memory of its own, which is not used again
 */
export function makeSlabs(slabBytes = SLAB_BYTES): Slabs {
  const spare: Slab[] = [];
  let current = makeSlab(slabBytes);

  function slabFor(bytes: number): Slab {
    if (bytes > slabBytes) {
      return makeSlab(bytes);
    }
    if (current.used + bytes > slabBytes) {
      current = spare.pop() ?? makeSlab(slabBytes);
    }
    return current;
  }

  function release(slab: Slab): void {
    slab.live -= 1;
    if (slab.live > 0) {
      return;
    }
    slab.used = 0;
    if (slab !== current && slab.bytes.length === slabBytes && spare.length < MAX_SPARE) {
      spare.push(slab);
    }
  }

  return {
    copy(parts) {
      const slab = slabFor(parts.reduce((sum, { length }) => sum + length, 0));
      const copies = parts.map((part) => {
        const at = slab.used;
        slab.used += part.length;
        slab.bytes.set(part, at);
        return slab.bytes.subarray(at, slab.used);
      });
      slab.live += 1;
      return { copies, release: () => release(slab) };
    },
  };
}

const makeSlab = (bytes: number): Slab => ({
  bytes: Buffer.allocUnsafeSlow(bytes),
  used: 0,
  live: 0,
});
