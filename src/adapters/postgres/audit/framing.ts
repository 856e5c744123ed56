import { VaultError } from '../../../domain/errors.ts';

/** One sealed disclosure, and the vault whose private key opens it. */
export type SealedDisclosure = { vaultId: number; sealed: Buffer };

const LEAF_HEAD = 2;
const SEALED_HEAD = 8;

/** n × (u16be length ‖ leaf): the encoding of an entry bundle (C2SP tlog-tiles). */
export function encodeLeaves(leaves: readonly Buffer[]): Buffer {
  return Buffer.concat(
    leaves.flatMap((leaf) => {
      const head = Buffer.alloc(LEAF_HEAD);
      head.writeUInt16BE(leaf.length);
      return [head, leaf];
    }),
  );
}

/** Undoes `encodeLeaves`. Throws `internal` when the bytes are not exactly `count` leaves. */
export function decodeLeaves(bytes: Buffer, count: number): Buffer[] {
  const reader = makeReader(bytes);
  const leaves = Array.from({ length: count }, () => {
    const head = reader.take(LEAF_HEAD);
    return reader.take(head.readUInt16BE());
  });
  reader.end();
  return leaves;
}

/** n × (u32be vault id ‖ u32be length ‖ sealed bytes). */
export function encodeSealed(disclosures: readonly SealedDisclosure[]): Buffer {
  return Buffer.concat(
    disclosures.flatMap(({ vaultId, sealed }) => {
      const head = Buffer.alloc(SEALED_HEAD);
      head.writeUInt32BE(vaultId);
      head.writeUInt32BE(sealed.length, 4);
      return [head, sealed];
    }),
  );
}

/** Undoes `encodeSealed`. Throws `internal` when the bytes are not exactly `count` disclosures. */
export function decodeSealed(bytes: Buffer, count: number): SealedDisclosure[] {
  const reader = makeReader(bytes);
  const disclosures = Array.from({ length: count }, () => {
    const head = reader.take(SEALED_HEAD);
    return { vaultId: head.readUInt32BE(), sealed: reader.take(head.readUInt32BE(4)) };
  });
  reader.end();
  return disclosures;
}

function makeReader(bytes: Buffer) {
  let offset = 0;
  const malformed = () =>
    new VaultError('internal', { detail: 'a stored audit batch is malformed' });
  return {
    take(length: number): Buffer {
      if (offset + length > bytes.length) {
        throw malformed();
      }
      offset += length;
      return bytes.subarray(offset - length, offset);
    },
    end(): void {
      if (offset !== bytes.length) {
        throw malformed();
      }
    },
  };
}
