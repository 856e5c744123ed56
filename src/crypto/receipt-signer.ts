import type { KeyObject } from 'node:crypto';
import { importSeed } from '../tlog/ed25519.ts';
import { signNote } from '../tlog/note.ts';
import { makeNoteSigner, type Signer } from '../tlog/signing-key.ts';
import { hkdfSha256Bytes } from './digest.ts';
import { frame } from './framing.ts';
import type { Keysets } from './keysets.ts';
import type { SecretKey } from './secret.ts';

const SEED_BYTES = 32;

/** Signs what was done, for people outside. Both methods reject with `key_unavailable`. */
export type ReceiptSigner = {
  /** Name of the key, and the first line of what it signs. */
  name: string;
  /** The text, which must end in a newline, as a signed note (C2SP signed-note). */
  sign(text: string): Promise<string>;
  /** The public key (C2SP signed-note, "Verifier keys"). */
  verifierKey(): Promise<string>;
};

/**
 * Makes the signer of receipts about erasures, `<origin>/erasures`. Its key comes from the key of the log by
 * a label of its own, so that no signature of it is one of a checkpoint, whatever the shards are called.
 */
export function makeErasureReceiptSigner(deps: {
  keysets: Pick<Keysets, 'logSign'>;
  /** Name of the log, without a shard. */
  origin: string;
}): ReceiptSigner {
  const name = `${deps.origin}/erasures`;
  const signer = async (): Promise<Signer> =>
    makeNoteSigner({ name, privateKey: deriveKey(await deps.keysets.logSign(), name) });
  return {
    name,
    sign: async (text) => signNote(text, [await signer()]),
    verifierKey: async () => (await signer()).verifierKey,
  };
}

/** HKDF-SHA-256 (RFC 5869) over the name to an Ed25519 seed. */
function deriveKey(key: SecretKey, name: string): KeyObject {
  const info = frame(['counterfoil/erasure-receipt/v1', name]);
  const seed = hkdfSha256Bytes({ key, info, length: SEED_BYTES });
  try {
    return importSeed(seed);
  } finally {
    seed.fill(0);
  }
}
