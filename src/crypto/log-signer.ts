import { hkdfSync, type KeyObject } from 'node:crypto';
import { importSeed } from '../tlog/ed25519.ts';
import { makeNoteSigner, type Signer } from '../tlog/signing-key.ts';
import { frame } from './framing.ts';
import type { Keysets } from './keysets.ts';
import type { SecretKey } from './secret.ts';

/** Where a signing key comes from: derived from the keyring, or an Ed25519 private key of a file. */
export type LogKeySource = 'keyring' | KeyObject;

/** Signs the checkpoints of the log's shards. Both reject with `key_unavailable`. */
export type LogSigner = {
  /** All signers of the shard with this origin, in the configured order: each signs every checkpoint. */
  signersOf(origin: string): Promise<Signer[]>;
  /** Public keys, as auditors get them: those that sign, then those that no longer do. */
  vkeysOf(origin: string): Promise<string[]>;
};

const SEED_BYTES = 32;

/**
 * Makes the log's signer (AUDIT-LOG §4.6). The name of each key is the shard's origin, whatever it was
 * called in its file (tlog-checkpoint, "Signatures"). Several sources: an overlap while keys change. What a
 * retired key has signed still counts as the log's own; it signs nothing more.
 */
export function makeLogSigner(deps: {
  keysets: Pick<Keysets, 'logSign'>;
  sources: readonly LogKeySource[];
  retired?: readonly LogKeySource[];
}): LogSigner {
  const keyOf = async (source: LogKeySource, origin: string): Promise<KeyObject> =>
    source === 'keyring' ? deriveKey(await deps.keysets.logSign(), origin) : source;
  const signersFrom = (sources: readonly LogKeySource[], origin: string) =>
    Promise.all(
      sources.map(async (source) =>
        makeNoteSigner({ name: origin, privateKey: await keyOf(source, origin) }),
      ),
    );
  return {
    signersOf: (origin) => signersFrom(deps.sources, origin),
    vkeysOf: async (origin) => {
      const all = await signersFrom([...deps.sources, ...(deps.retired ?? [])], origin);
      return all.map(({ verifierKey }) => verifierKey);
    },
  };
}

/** HKDF-SHA-256 (RFC 5869) over the shard's origin to an Ed25519 seed: a key for each shard. */
function deriveKey(logSign: SecretKey, origin: string): KeyObject {
  const info = frame(['counterfoil/log-sign/v1', origin]);
  const seed = new Uint8Array(
    hkdfSync('sha256', logSign.keyObject(), new Uint8Array(0), info, SEED_BYTES),
  );
  try {
    return importSeed(seed);
  } finally {
    seed.fill(0);
  }
}
