import { createSecretKey, type KeyObject } from 'node:crypto';
import { inspect } from 'node:util';
import { VaultError } from '../domain/errors.ts';
import { type Hmac, makeHmac } from './hmac.ts';

const KEY_BYTES = 32;

/**
 * A 256-bit symmetric key. It holds a KeyObject, whose bytes live outside the JavaScript heap, and once it
 * was used for an HMAC both pads of it (ADR 0022). It never prints itself; raw bytes go in and do not come out.
 */
export class SecretKey {
  readonly #key: KeyObject;
  #hmac: Hmac | undefined;

  private constructor(key: KeyObject) {
    this.#key = key;
  }

  /** Imports 32 bytes and wipes the buffer they came in, also when it refuses them (`internal`). */
  static take(bytes: Buffer): SecretKey {
    try {
      if (bytes.length !== KEY_BYTES) {
        throw new VaultError('internal', { detail: 'a secret key must have 32 bytes' });
      }
      return new SecretKey(createSecretKey(bytes));
    } finally {
      bytes.fill(0);
    }
  }

  /**
   * A key that another thread of this process handed over: key objects go through message ports as
   * references, so that its bytes are copied nowhere. Refuses what is not a 256-bit symmetric key
   * (`internal`).
   */
  static from(key: KeyObject): SecretKey {
    if (key.type !== 'secret' || key.symmetricKeySize !== KEY_BYTES) {
      throw new VaultError('internal', { detail: 'a secret key must have 32 bytes' });
    }
    return new SecretKey(key);
  }

  /** The way to the key. Hand it to node:crypto at once; only `makeHmac` exports it, and wipes that. */
  keyObject(): KeyObject {
    return this.#key;
  }

  /** HMAC-SHA-256 under this key. What it needs is made at the first use, and kept. */
  hmac(): Hmac {
    this.#hmac ??= makeHmac({ key: this.#key });
    return this.#hmac;
  }

  toString(): string {
    return '[secret key]';
  }

  toJSON(): string {
    return this.toString();
  }

  [inspect.custom](): string {
    return this.toString();
  }
}

/**
 * Secret bytes that must be readable as bytes (a subject's secret, a root key on its way into the
 * keyring). It owns its buffer and never prints it.
 */
export class SecretBytes {
  readonly #bytes: Buffer;
  #wiped = false;

  /** Takes the buffer over: the caller must neither keep nor change it. */
  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** The bytes themselves, not a copy. Throws `internal` once wiped: zeros must never act as a secret. */
  reveal(): Buffer {
    if (this.#wiped) {
      throw new VaultError('internal', { detail: 'the secret was wiped' });
    }
    return this.#bytes;
  }

  /** Overwrites the bytes. Safe to repeat. */
  wipe(): void {
    this.#wiped = true;
    this.#bytes.fill(0);
  }

  toString(): string {
    return '[secret bytes]';
  }

  toJSON(): string {
    return this.toString();
  }

  [inspect.custom](): string {
    return this.toString();
  }
}
