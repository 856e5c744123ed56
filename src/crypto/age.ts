import { Decrypter, Encrypter, generateX25519Identity, identityToRecipient } from 'age-encryption';
import { VaultError } from '../domain/errors.ts';

/** Encrypts bytes as they come, in constant memory; gives the bytes of the file. */
export type AgeEncryption = (plain: AsyncIterable<Uint8Array>) => AsyncIterable<Buffer>;

/**
 * Encryption to recipients in the public age v1 format (age-encryption.org/v1), which any other
 * implementation of it opens with the identity of one of them. The format says who can read a file, and not
 * who wrote it.
 *
 * @param recipients public keys, `age1…`; X25519 or hybrid
 * @throws VaultError `internal`, one line, when one of them is none
 */
export function makeAgeEncryption(recipients: readonly string[]): AgeEncryption {
  const encrypter = new Encrypter();
  for (const recipient of recipients) {
    try {
      encrypter.addRecipient(recipient);
    } catch (cause) {
      const detail = `${recipient.slice(0, 12)}… is no age recipient that is supported.`;
      throw new VaultError('internal', { cause, detail });
    }
  }
  return async function* (plain) {
    for await (const chunk of await encrypter.encrypt(ReadableStream.from(plain))) {
      yield bufferOf(chunk);
    }
  };
}

/**
 * Opens an age file as it comes, in constant memory. Each chunk that is given is authentic; that it was the
 * last one is known only when the iteration ends. Rejects with `internal` and one line for the operator when
 * no identity fits, or when the file was altered or cut; what `encrypted` itself rejects with is passed on.
 *
 * @param identities `AGE-SECRET-KEY-…`; each is tried
 */
export async function* decryptAge(
  encrypted: AsyncIterable<Uint8Array>,
  identities: readonly string[],
): AsyncGenerator<Buffer, void, void> {
  const source = watchSource(encrypted);
  const decrypter = new Decrypter();
  const opened = await open(decrypter, identities, source.bytes).catch((cause: unknown) => {
    throw source.failure() ?? refuse('The file is no age file, or not for this identity.', cause);
  });
  try {
    for await (const chunk of opened) yield bufferOf(chunk);
  } catch (cause) {
    throw source.failure() ?? refuse('The file was altered, or cut off.', cause);
  }
}

/** A new X25519 identity and its recipient, as `age-keygen` makes them. */
export async function newAgeIdentity(): Promise<{ identity: string; recipient: string }> {
  const identity = await generateX25519Identity();
  return { identity, recipient: await identityToRecipient(identity) };
}

async function open(
  decrypter: Decrypter,
  identities: readonly string[],
  bytes: AsyncIterable<Uint8Array>,
) {
  for (const identity of identities) decrypter.addIdentity(identity);
  return decrypter.decrypt(ReadableStream.from(bytes));
}

/** Remembers how the source failed: streams in between may hand on another error. */
function watchSource(encrypted: AsyncIterable<Uint8Array>) {
  let failed: { error: unknown } | undefined;
  const bytes = async function* () {
    try {
      yield* encrypted;
    } catch (error) {
      failed = { error };
      throw error;
    }
  };
  return { bytes: bytes(), failure: () => failed?.error };
}

function bufferOf({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

function refuse(detail: string, cause: unknown): VaultError {
  return new VaultError('internal', { cause, detail });
}
