import type { Leaf } from '../domain/audit/read-leaf.ts';
import { disclosureDigest } from './disclosure.ts';
import type { Keysets } from './keysets.ts';
import type { DisclosureLabel } from './private-cipher.ts';

/** One sealed disclosure, and the vault whose private key opens it. */
export type SealedDisclosure = { vaultId: number; sealed: Buffer };

/** A disclosure that its leaf vouches for: the text that was digested, and the value inside. */
export type OpenedDisclosure = { text: string; value: unknown };

/**
 * Opens one disclosure of an event. `undefined` when it is erased, its key is gone, or the leaf does not
 * vouch for it (RFC 9901 §7.1): the leaf stays provable without it. Rejects with `key_unavailable` or
 * `store_unavailable` when that could not be found out.
 */
export async function openDisclosure(
  keysets: Pick<Keysets, 'findPrivateCipher'>,
  input: { leaf: Leaf; label: DisclosureLabel; disclosure: SealedDisclosure },
): Promise<OpenedDisclosure | undefined> {
  const { leaf, label, disclosure } = input;
  if (isErased(disclosure)) {
    return undefined;
  }
  const cipher = await keysets.findPrivateCipher(disclosure.vaultId, leaf.t);
  if (cipher === undefined) {
    return undefined;
  }
  try {
    const text = cipher.open(label, leaf.id, disclosure.sealed).toString('ascii');
    if (!leaf._sd.includes(disclosureDigest(text))) {
      return undefined;
    }
    const [, , value] = JSON.parse(Buffer.from(text, 'base64url').toString()) as unknown[];
    return { text, value };
  } catch {
    return undefined;
  }
}

/** True when nothing but zeroes is left: sealed bytes begin with a version byte that is not zero. */
export function isErased({ sealed }: SealedDisclosure): boolean {
  return sealed.every((byte) => byte === 0);
}
