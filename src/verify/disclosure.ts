import { disclosureDigest } from '../crypto/disclosure.ts';
import type { Leaf } from '../domain/audit/read-leaf.ts';

/** The two disclosures of an event (AUDIT-LOG §5.2). */
export const LABELS = ['who', 'what'] as const;

export type Label = (typeof LABELS)[number];

/** A disclosure that was read: nobody has vouched for it yet. */
export type ReadDisclosure = { label: string; value: unknown };

/** Reads an SD-JWT disclosure, base64url of the JSON array [salt, name, value] (RFC 9901 §4.2.1). */
export function readDisclosure(text: string): ReadDisclosure | undefined {
  try {
    const parts: unknown = JSON.parse(Buffer.from(text, 'base64url').toString());
    if (!Array.isArray(parts) || parts.length !== 3 || typeof parts[1] !== 'string') {
      return;
    }
    return { label: parts[1], value: parts[2] };
  } catch {
    return;
  }
}

/** Whether the leaf has the digest of this text (RFC 9901 §7.1). */
export function isVouchedFor({ _sd }: Leaf, text: string): boolean {
  return _sd.includes(disclosureDigest(text));
}
