import { aesSivOpen, aesSivSeal } from './aes-siv.ts';
import { decodeBase64url } from './base64url.ts';
import { hkdfSha256Bytes } from './digest.ts';
import { frame, utf8 } from './framing.ts';
import { activeKey, type KeyVersions } from './key-versions.ts';
import type { SecretKey } from './secret.ts';

const SIV_KEY_BYTES = 64;
/** One spelling for each version: no sign, no leading zero, at most 10 digits. */
const AFTER_PREFIX = /^([1-9]\d{0,9})\.([\w-]+)$/;

/** What a token is tied to. Moved to another field, scope or prefix it does not open. */
export type SivPlace = { fieldId: number; scope: string; prefix: string };

export type Siv = {
  /** `<prefix>~<key version>.<base64url>`. */
  seal(value: string, place: SivPlace): string;
  /** The value, or `undefined` for any text that `seal` did not make for this place: one answer for every cause. */
  open(token: string, place: SivPlace): string | undefined;
};

/**
 * Tokens of mode `siv`: AES-SIV (RFC 5297) of the value itself. It is authenticated and, by design,
 * deterministic: the same value, field and scope give the same token under one key version, to whoever
 * compares them. Nothing is padded: a token tells the length of its value in bytes.
 */
export function makeSiv({ vaultId, keys }: { vaultId: number; keys: KeyVersions }): Siv {
  const active = activeKey(keys);
  const aadOf = (version: number, { fieldId, scope, prefix }: SivPlace): Buffer =>
    frame(['counterfoil/siv/v1', vaultId, fieldId, scope, prefix, version]);

  return {
    seal: (value, place) => {
      const version = keys.active;
      const plaintext = utf8(value);
      const sealed = withSivKey(active, (key) =>
        aesSivSeal({ key, aad: aadOf(version, place), plaintext }),
      );
      plaintext.fill(0);
      return `${place.prefix}~${version}.${sealed.toString('base64url')}`;
    },
    open: (token, place) => {
      const parsed = parse(token, place.prefix);
      const sivKey = parsed && keys.readable.get(parsed.version);
      if (parsed === undefined || sivKey === undefined) {
        return undefined;
      }
      const { sealed, version } = parsed;
      const plaintext = withSivKey(sivKey, (key) =>
        aesSivOpen({ key, aad: aadOf(version, place), sealed }),
      );
      const value = plaintext?.toString('utf8');
      plaintext?.fill(0);
      return value;
    },
  };
}

function parse(token: string, prefix: string): { version: number; sealed: Buffer } | undefined {
  const start = `${prefix}~`;
  const parts = token.startsWith(start) ? AFTER_PREFIX.exec(token.slice(start.length)) : undefined;
  const [, version = '', text = ''] = parts ?? [];
  const sealed = decodeBase64url(text);
  return sealed === undefined || text === '' ? undefined : { version: Number(version), sealed };
}

/** SIV takes two AES-256 keys; they exist for one message only, so that no copy lies about. */
function withSivKey<T>(key: SecretKey, use: (bytes: Buffer) => T): T {
  const info = frame(['counterfoil/siv-key/v1']);
  const bytes = hkdfSha256Bytes({ key, info, length: SIV_KEY_BYTES });
  try {
    return use(bytes);
  } finally {
    bytes.fill(0);
  }
}
