// RFC 6962 and RFC 9162 word for word, slow and with bigints: what src/tlog is compared with. It shares
// no code with src/tlog, and the published roots are checked against it too.
import { createHash } from 'node:crypto';

const node = (left: Buffer, right: Buffer) =>
  createHash('sha256').update(Buffer.of(1)).update(left).update(right).digest();

export const leafHashOf = (entry: Uint8Array): Buffer =>
  createHash('sha256').update(Buffer.of(0)).update(entry).digest();

/** The definitions of RFC 6962 §2.1 over a list of leaf hashes; D[0:n] is the tree of size n. */
export function makeDefinition(leafHashes: readonly Buffer[]) {
  // MTH(D[lo:hi]) is the same in every tree that has these leaves.
  const known = new Map<string, Buffer>();

  function mth(lo: number, hi: number): Buffer {
    const key = `${lo}:${hi}`;
    const hash = known.get(key) ?? computeMth(lo, hi);
    known.set(key, hash);
    return hash;
  }

  function computeMth(lo: number, hi: number): Buffer {
    if (hi === lo) {
      return createHash('sha256').digest();
    }
    const middle = lo + split(hi - lo);
    return leafHashes[hi === lo + 1 ? lo : -1] ?? node(mth(lo, middle), mth(middle, hi));
  }

  function path(index: number, lo: number, hi: number): Buffer[] {
    if (hi - lo === 1) {
      return [];
    }
    const middle = lo + split(hi - lo);
    return index < middle
      ? [...path(index, lo, middle), mth(middle, hi)]
      : [...path(index, middle, hi), mth(lo, middle)];
  }

  function subproof(range: { old: number; lo: number; hi: number }, whole: boolean): Buffer[] {
    const { old, lo, hi } = range;
    if (old === hi) {
      return whole ? [] : [mth(lo, hi)];
    }
    const middle = lo + split(hi - lo);
    return old <= middle
      ? [...subproof({ old, lo, hi: middle }, whole), mth(middle, hi)]
      : [...subproof({ old, lo: middle, hi }, false), mth(lo, middle)];
  }

  return {
    root: (size: number) => mth(0, size),
    inclusion: (index: number, size: number) => path(index, 0, size),
    consistency: (old: number, size: number) => subproof({ old, lo: 0, hi: size }, true),
  };
}

function split(width: number): number {
  return width < 2 ? 0 : 2 ** Math.floor(Math.log2(width - 1));
}

/** RFC 9162 §2.1.3.2, with the fn and sn of the text. */
export function verifiesInclusion(claim: {
  index: bigint;
  size: bigint;
  leafHash: Buffer;
  proof: readonly Buffer[];
  root: Buffer;
}): boolean {
  if (claim.index >= claim.size) {
    return false;
  }
  let [fn, sn, r] = [claim.index, claim.size - 1n, claim.leafHash];
  for (const p of claim.proof) {
    if (sn === 0n) {
      return false;
    }
    const goesLeft = (fn & 1n) === 1n || fn === sn;
    r = goesLeft ? node(p, r) : node(r, p);
    while (goesLeft && (fn & 1n) === 0n && fn !== 0n) {
      [fn, sn] = [fn >> 1n, sn >> 1n];
    }
    [fn, sn] = [fn >> 1n, sn >> 1n];
  }
  return sn === 0n && r.equals(claim.root);
}

/** A tree whose leaves are all the same: any size up to 2^53 has a root and tiles without storing them. */
export function makeUniformTree(leafHash: Buffer) {
  const perfect = [leafHash];
  for (let power = 1; power <= 53; power += 1) {
    const below = perfect.at(-1) ?? leafHash;
    perfect.push(node(below, below));
  }
  return {
    /** The perfect subtrees of the size's binary digits, folded from the right. */
    root(size: bigint): Buffer {
      const parts = perfect.filter((_, power) => ((size >> BigInt(power)) & 1n) === 1n);
      return parts.reduce((right, left) => node(left, right));
    },
    /** `width` hashes of any tile of this level. */
    tile: (level: number, width: number): Buffer =>
      Buffer.concat(Array(width).fill(perfect[8 * level])),
  };
}
