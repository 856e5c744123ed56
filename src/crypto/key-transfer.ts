import { VaultError } from '../domain/errors.ts';
import type { Authority } from './authority.ts';
import type { Keyring } from './keyring.ts';
import {
  checkRow,
  contextOf,
  type KeyState,
  type KeysetPurpose,
  signRow,
  type WrappedKey,
  type WrappedKeyStore,
} from './wrapped-key.ts';

const KEY_BYTES = 32;
const DIGITS = Buffer.from('0123456789abcdef');

/** Which keys go with a vault. The keys of its audit disclosures stay with the log that holds them. */
const MOVES: Readonly<Record<KeysetPurpose, boolean>> = {
  seal: true,
  fingerprint: true,
  placement: true,
  join: true,
  fpe: true,
  siv: true,
  idempotency: true,
  private: false,
  'audit-mac': false,
  'audit-term': false,
  'log-sign': false,
  authority: false,
  cache: false,
};

const STATES: Readonly<Record<KeyState, true>> = {
  'pre-activation': true,
  active: true,
  deactivated: true,
  destroyed: true,
};

/** What a line of a key begins with; its digits follow. */
const HEAD = Buffer.from('{"key":"');

/**
 * Moves the keys of a vault between two installations that share no root key. What leaves is raw keys: it
 * must go into an encrypted stream and nowhere else. All methods reject with `key_unavailable` when a key
 * was altered or does not open.
 */
export type KeyTransfer = {
  /**
   * All keys that go with the vault, a line of JSON each, in a buffer that the caller wipes. Keys are not in
   * any string on the way: those cannot be wiped.
   */
  give(vaultId: number): Promise<Buffer>;
  /** A key from such a line, for a vault here: wrapped and signed anew. Wipes the digits in `line`. */
  take(line: Buffer, vaultId: number): Promise<WrappedKey>;
};

/** True for a line that `KeyTransfer.give` made. */
export function isKeyLine(line: Buffer): boolean {
  return line.subarray(0, HEAD.length).equals(HEAD);
}

/** Makes the transfer of an installation's keys: `authority` signs and checks its rows. */
export function makeKeyTransfer(deps: {
  store: Pick<WrappedKeyStore, 'load'>;
  keyring: Keyring;
  authority: () => Promise<Authority>;
}): KeyTransfer {
  const { store, keyring, authority } = deps;

  const lineOf = async (row: WrappedKey): Promise<Buffer> => {
    const { purpose, version, state } = row;
    const tail = Buffer.from(`",${JSON.stringify({ purpose, version, state }).slice(1)}\n`);
    if (state === 'destroyed') return Buffer.concat([HEAD, tail]);
    const key = await keyring.unwrap(row.wrapped, contextOf(row));
    // The one place where raw bytes of a key come out of its object.
    const bytes = key.keyObject().export();
    const digits = toDigits(bytes);
    const line = Buffer.concat([HEAD, digits, tail]);
    bytes.fill(0);
    digits.fill(0);
    return line;
  };

  return {
    give: async (vaultId) => {
      const signer = await authority();
      const rows = (await store.load(vaultId)).map((row) => ({ ...row, vaultId }));
      for (const row of rows) checkRow(row, signer);
      const lines: Buffer[] = [];
      try {
        for (const row of rows.filter(({ purpose }) => MOVES[purpose])) {
          lines.push(await lineOf(row));
        }
        return Buffer.concat(lines);
      } finally {
        for (const line of lines) line.fill(0);
      }
    },

    take: async (line, vaultId) => {
      const { key, ...name } = parseLine(line);
      const row = { vaultId, ...name };
      try {
        const wrapped =
          row.state === 'destroyed' ? Buffer.alloc(0) : await keyring.wrap(key, contextOf(row));
        return signRow({ ...row, wrapped }, await authority());
      } finally {
        key.fill(0);
      }
    },
  };
}

function parseLine(line: Buffer): Pick<WrappedKey, 'purpose' | 'version' | 'state'> & {
  key: Buffer;
} {
  const digits = line.subarray(HEAD.length, line.indexOf('"', HEAD.length));
  const key = fromDigits(digits);
  digits.fill(DIGITS.readUInt8(0));
  const { purpose, version, state } = JSON.parse(line.toString('utf8')) as Partial<WrappedKey>;
  const isKnown =
    purpose !== undefined &&
    Object.hasOwn(MOVES, purpose) &&
    MOVES[purpose] &&
    Number.isSafeInteger(version) &&
    state !== undefined &&
    Object.hasOwn(STATES, state);
  if (!isKnown || version === undefined || key.length !== (state === 'destroyed' ? 0 : KEY_BYTES)) {
    key.fill(0);
    throw new VaultError('key_unavailable', { detail: 'A key in the file is malformed.' });
  }
  return { purpose, version, state, key };
}

/** Lower-case hex, as ASCII bytes. */
function toDigits(bytes: Buffer): Buffer {
  const digits = Buffer.alloc(2 * bytes.length);
  bytes.forEach((byte, at) => {
    digits.writeUInt8(DIGITS.readUInt8(byte >> 4), 2 * at);
    digits.writeUInt8(DIGITS.readUInt8(byte & 15), 2 * at + 1);
  });
  return digits;
}

/** The bytes of ASCII hex; what is no digit gives a key of no length that any key has. */
function fromDigits(digits: Buffer): Buffer {
  const values = Array.from(digits, (digit) => DIGITS.indexOf(digit));
  if (values.length % 2 !== 0 || values.includes(-1)) return Buffer.alloc(1);
  const bytes = Buffer.alloc(values.length / 2);
  values.forEach((value, at) => {
    bytes.writeUInt8((bytes.readUInt8(at >> 1) << 4) | value, at >> 1);
  });
  values.fill(0);
  return bytes;
}
